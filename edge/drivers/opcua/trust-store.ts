/** The certificates the servers of one device have shown: unknown ones wait for a person, whose yes or no is kept. */
import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export const trustStates = ['waiting', 'accepted', 'refused'] as const
export type TrustState = (typeof trustStates)[number]

export interface ShownCertificate {
  state: TrustState
  file: string
  /** Lower-case hex. */
  sha256: string
  /** SHA-1, as servers show it. */
  thumbprint: string
  subject: string
  issuer: string
  /** Unix ms. */
  validFrom: number
  validTo: number
  /** First shown, or decided on, Unix ms. */
  since: number
}

/** A hostile server shows a new one at every connect: the newest are enough. */
const MAX_WAITING = 20

const folderOf = (stateDir: string, state: TrustState) => join(stateDir, 'opcua', 'shown', state)

/** Keeps what a server showed, unless it is known already. */
export async function keepShown(stateDir: string, raw: Buffer): Promise<void> {
  const { sha256 } = fingerprintsOf(raw)
  const known = await listShown(stateDir)
  if (known.some((it) => it.sha256 === sha256)) return
  const folder = folderOf(stateDir, 'waiting')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, `${sha256}.pem`), new X509Certificate(raw).toString())
  const waiting = known.filter(({ state }) => state === 'waiting')
  const tooMany = waiting.sort((a, b) => b.since - a.since).slice(MAX_WAITING - 1)
  for (const { file } of tooMany) await rm(file, { force: true })
}

/** Everything shown, newest first. */
export async function listShown(stateDir: string): Promise<ShownCertificate[]> {
  const lists = await Promise.all(trustStates.map((state) => readFolder(stateDir, state)))
  return lists.flat().sort((a, b) => b.since - a.since)
}

/** Files with the certificates a person has accepted here. */
export async function acceptedFiles(stateDir: string): Promise<string[]> {
  return (await readFolder(stateDir, 'accepted')).map(({ file }) => file)
}

/** When the accepted ones last became more or fewer; 0: there never was one. */
export async function trustChangedAt(stateDir: string): Promise<number> {
  return (await stat(folderOf(stateDir, 'accepted')).catch(() => undefined))?.mtimeMs ?? 0
}

/** False when no such certificate was shown. */
export async function decideTrust(
  stateDir: string,
  sha256: string,
  verdict: 'accepted' | 'refused',
): Promise<boolean> {
  const shown = (await listShown(stateDir)).find((it) => it.sha256 === sha256)
  if (!shown) return false
  if (shown.state === verdict) return true
  const folder = folderOf(stateDir, verdict)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${sha256}.pem`)
  await rename(shown.file, file)
  await utimes(file, new Date(), new Date())
  return true
}

async function readFolder(stateDir: string, state: TrustState): Promise<ShownCertificate[]> {
  const folder = folderOf(stateDir, state)
  const names = await readdir(folder).catch(() => [])
  const all = await Promise.all(names.map((name) => readShown(join(folder, name), state)))
  return all.filter((it) => it !== undefined)
}

/** Undefined for what is no certificate (any more): somebody may have moved it this moment. */
async function readShown(file: string, state: TrustState): Promise<ShownCertificate | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(file))
    const { mtimeMs } = await stat(file)
    return {
      ...{ state, file, since: mtimeMs },
      ...fingerprintsOf(certificate.raw),
      subject: oneLine(certificate.subject),
      issuer: oneLine(certificate.issuer),
      validFrom: Date.parse(certificate.validFrom),
      validTo: Date.parse(certificate.validTo),
    }
  } catch {
    return undefined
  }
}

function fingerprintsOf(raw: Buffer): { sha256: string; thumbprint: string } {
  const hash = (name: string) => createHash(name).update(raw).digest('hex')
  return { sha256: hash('sha256'), thumbprint: hash('sha1') }
}

/** node puts each part on a line of its own. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
