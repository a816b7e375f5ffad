/** The certificates of one device: its own key, the listed server certificates, and those that were refused. */
import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import { Fault } from '../../../protocol/kit/fault.ts'

/**
 * Opens the store in `folder`. The configuration's list is the whole truth: what was trusted before and is
 * no longer listed is forgotten, and `rejected/` holds what the server shows now. The client disposes it.
 */
export async function openPki(
  folder: string,
  trust: readonly string[],
): Promise<OPCUACertificateManager> {
  for (const stale of ['trusted/certs', 'issuers/certs', 'rejected']) {
    await rm(join(folder, stale), { recursive: true, force: true })
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const pki = new OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: false,
    // The store is read once per connection; watchers would cost a thread each and see nothing new.
    disableFileWatchers: true,
  })
  await pki.initialize()
  for (const file of trust) {
    const certificate = await readCertificate(file)
    await pki.trustCertificate(certificate.raw)
    // An authority must stand among the issuers too, or what it signed has no chain.
    if (certificate.ca) await pki.addIssuer(certificate.raw)
  }
  return pki
}

async function readCertificate(file: string): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(file))
  } catch (cause) {
    throw new Fault('driver.refused', { endpoint: file, reason: 'it is no certificate' }, { cause })
  }
}

/** The server certificate that was refused at the last connect, if one was. */
export async function findRejected(
  folder: string,
): Promise<{ file: string; thumbprint: string; raw: Buffer } | undefined> {
  const names = await readdir(join(folder, 'rejected')).catch(() => [])
  const name = names.find((it) => it.endsWith('.pem') || it.endsWith('.der'))
  if (name === undefined) return undefined
  const file = join(folder, 'rejected', name)
  const { raw } = await readCertificate(file)
  return { file, raw, thumbprint: createHash('sha1').update(raw).digest('hex') }
}
