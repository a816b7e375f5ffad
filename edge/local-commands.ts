/** `mimamori edge password` and `edge trust`: what the local page needs, and does, from the gateway's own terminal. */
import { readdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Fault } from '../protocol/kit/fault.ts'
import { loadGatewayConfig } from './config.ts'
import { decideTrust } from './drivers/opcua/trust-store.ts'
import { passwordFile, setPassword } from './local/password.ts'
import type { CertificateView } from './local/plant.ts'
import { listCertificates, localAuditFile, stateDirOf } from './local-plant.ts'
import { createAuditFile } from './writing/audit-file.ts'

/** Fewer digits of a fingerprint are not a comparison. */
const MIN_DIGITS = 8

/** Reads the password without showing it, from a terminal or one line of a pipe. */
export async function askPassword(input: NodeJS.ReadStream): Promise<string> {
  const isTerminal = input.isTTY === true
  if (isTerminal) process.stderr.write('New password of the local page: ')
  // What is typed is not echoed: the output goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  using lines = createInterface({ input, output, terminal: isTerminal })
  for await (const line of lines) {
    if (isTerminal) process.stderr.write('\n')
    return line
  }
  return ''
}

/** Answers what to tell. Throws Fault 'config.invalid' when it is too short. */
export async function changePassword(configFile: string, password: string): Promise<string> {
  const dataDir = await dataDirOf(configFile)
  await setPassword(passwordFile(dataDir), password)
  await record(dataDir, { act: 'set-password', object: 'local page' })
  return 'the local page asks for the new password from now on'
}

/** Every certificate servers have shown, as text. */
export async function sayCertificates(configFile: string): Promise<string> {
  const all = await readCertificates(await dataDirOf(configFile))
  if (all.length === 0) return 'no server has shown an unknown certificate'
  return all.map(sayCertificate).join('\n\n')
}

/** `print` is the SHA-256 fingerprint or the SHA-1 thumbprint, or the beginning of one; spaces and colons do not count. */
export async function judgeCertificate(
  configFile: string,
  { device, print, verdict }: { device: string; print: string; verdict: 'accepted' | 'refused' },
): Promise<string> {
  const dataDir = await dataDirOf(configFile)
  const wanted = print.replaceAll(/[\s:]/g, '').toLowerCase()
  const found = (await readCertificates(dataDir)).filter(
    (it) =>
      it.device === device &&
      wanted.length >= MIN_DIGITS &&
      (it.sha256.startsWith(wanted) || it.thumbprint.startsWith(wanted)),
  )
  const [only] = found
  if (!only || found.length > 1) {
    const count = found.length === 0 ? 'no certificate' : 'more than one certificate'
    const problems = `${count} of ${device} begins with "${print}" (${MIN_DIGITS} digits at least); see: mimamori edge trust list`
    throw new Fault('config.invalid', { count: 1, problems })
  }
  const act = verdict === 'accepted' ? 'trust-certificate' : 'refuse-certificate'
  await record(dataDir, { act, object: `${device}/${only.sha256}` })
  await decideTrust(stateDirOf(dataDir, device), only.sha256, verdict)
  const when =
    verdict === 'accepted' ? 'a running gateway tries it at once' : 'from the next connect on'
  return `${verdict}: ${only.subject} of ${device}; ${when}`
}

function sayCertificate(certificate: CertificateView): string {
  const { device, state, subject, issuer, sha256, thumbprint } = certificate
  const day = (at: number) => new Date(at).toISOString().slice(0, 10)
  const { validFrom, validTo, since } = certificate
  return [
    `${device}: ${state} since ${new Date(since).toISOString()}`,
    `  subject  ${subject}`,
    `  issuer   ${issuer}`,
    `  valid    ${day(validFrom)} to ${day(validTo)}`,
    `  SHA-256  ${sha256}`,
    `  SHA-1    ${thumbprint}`,
  ].join('\n')
}

async function dataDirOf(configFile: string): Promise<string> {
  const { baseDir, dataDir } = await loadGatewayConfig(configFile)
  return resolve(baseDir, dataDir)
}

/** Of every device that ever ran here: one that the cloud has configured stands in no file. */
async function readCertificates(dataDir: string): Promise<CertificateView[]> {
  const devices = await readdir(join(dataDir, 'devices')).catch(() => [])
  return await listCertificates(dataDir, devices)
}

async function record(dataDir: string, about: { act: string; object: string }): Promise<void> {
  const by = `${userInfo().username} at the command line`
  const at = new Date().toISOString()
  await createAuditFile(localAuditFile(dataDir)).append({ at, ...about, by, outcome: 'done' })
}
