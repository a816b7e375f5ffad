/** What enrolment left on the gateway: its key and certificate, the cloud's CA and the key that signs grants. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { Fault } from '../protocol/kit/fault.ts'

export interface GatewayCredentials {
  /** PEM */
  key: string
  /** PEM */
  cert: string
  /** PEM */
  ca: string
  /** Ed25519 public key of the cloud, pinned. */
  grantKey: JWK
}

/** The files `mimamori enrol` writes. */
export const credentialFiles = {
  key: 'key.pem',
  cert: 'cert.pem',
  ca: 'ca.pem',
  grantKey: 'grant-key.json',
} as const

/** Reads the folder. Throws Fault 'credentials.missing' naming the file. */
export async function readCredentials(dir: string): Promise<GatewayCredentials> {
  const [key, cert, ca, grantKey] = await Promise.all(
    Object.values(credentialFiles).map((name) => read(join(dir, name))),
  )
  return {
    key: key ?? '',
    cert: cert ?? '',
    ca: ca ?? '',
    grantKey: parseKey(grantKey ?? '', join(dir, credentialFiles.grantKey)),
  }
}

/** When they end, Unix seconds, by name; one that cannot be read has no time. */
export function expiriesOf({
  cert,
  ca,
}: Pick<GatewayCredentials, 'cert' | 'ca'>): Record<string, number> {
  const times = Object.entries({ gateway: cert, authority: ca }).map(([name, pem]) => {
    try {
      return [name, Date.parse(new X509Certificate(pem).validTo) / 1000] as const
    } catch {
      return undefined
    }
  })
  return Object.fromEntries(times.filter((it) => it !== undefined))
}

function parseKey(text: string, file: string): JWK {
  try {
    return JSON.parse(text) as JWK
  } catch (error) {
    throw new Fault('credentials.missing', { file }, { cause: error })
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Fault('credentials.missing', { file }, { cause: error })
  }
}
