/** The installation's own certificate authority: its key and certificate in one folder, made at the first start. */
import { BACKDATE_MS } from './validity.ts'
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { Fault } from '../../protocol/kit/fault.ts'
import { readText, writePrivate } from './key-file.ts'

export const DAY_MS = 86_400_000
/** A development CA lives as long as an installation may be tried; the production CA is somebody else's. */
const CA_DAYS = 3_650
export const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface Authority {
  certificate: X509Certificate
  key: CryptoKey
  pem: string
}

/** Opens the folder; throws Fault 'pki.unusable' when a file in it is damaged. */
export async function openAuthority(dir: string): Promise<Authority> {
  const keyFile = join(dir, 'ca.key.pem')
  const certFile = join(dir, 'ca.cert.pem')
  const known = await readPair(certFile, keyFile)
  if (known) return await parseAuthority(dir, known)
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    // The suffix tells two installations' CAs apart in a trust store.
    name: [{ CN: [`Mimamori development CA ${randomBytes(4).toString('hex')}`] }],
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: EC,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pem = certificate.toString('pem')
  await writePrivate(certFile, pem)
  // Last: a folder with a key has everything.
  await writePrivate(keyFile, await formatKey(keys.privateKey))
  return { certificate, key: keys.privateKey, pem }
}

async function parseAuthority(dir: string, [pem, keyPem]: [string, string]): Promise<Authority> {
  try {
    const key = await crypto.subtle.importKey(
      'pkcs8',
      PemConverter.decodeFirst(keyPem),
      EC,
      false,
      ['sign'],
    )
    return { certificate: new X509Certificate(pem), key, pem }
  } catch (cause) {
    throw new Fault('pki.unusable', { dir, file: 'ca' }, { cause })
  }
}

/** Positive and at most 20 octets (RFC 5280 4.1.2.2): 16 random bytes behind a first one below 0x80. */
export function randomSerial(): string {
  return `01${randomBytes(16).toString('hex')}`
}

export async function formatKey(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

async function readPair(first: string, second: string): Promise<[string, string] | undefined> {
  const [one, two] = [await readText(first), await readText(second)]
  return one !== undefined && two !== undefined ? [one, two] : undefined
}
