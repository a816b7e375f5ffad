/** The installation's own certificate authority and grant key: made at first start, kept in one folder, shared with nobody. */
import 'reflect-metadata'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { JWK } from 'jose'
import { Fault } from '../../protocol/kit/fault.ts'
import { type GrantSigner, openGrantSigner } from './grant-signer.ts'
import { readText, writePrivate } from './key-file.ts'

const DAY_MS = 86_400_000
/** A development CA lives as long as an installation may be tried; the production CA is somebody else's. */
const CA_DAYS = 3_650
/** Browsers refuse longer ones; made anew at every start of the cloud. */
const SERVER_DAYS = 397
/** Short, because nothing revokes it yet but its expiry and the store's fingerprint. */
const GATEWAY_DAYS = 30
/** Clocks of gateways without a battery run late: a new certificate is valid a little before now. */
const BACKDATE_MS = 3_600_000
const GATEWAY_URN = 'urn:mimamori:gateway:'
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface GatewayName {
  site: string
  gateway: string
}

/** PEM texts, as `node:tls` takes them. */
export interface Credentials {
  key: string
  cert: string
  ca: string
}

export interface GatewayCredentials extends Credentials {
  /** The public half of the grant key: the gateway pins it. */
  grantKey: JWK
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: string
}

export interface Pki {
  /** The CA certificate, PEM. */
  ca: string
  /** For TLS servers of the cloud; `localhost`, 127.0.0.1 and ::1 are always in it. */
  serverCredentials(names?: readonly string[]): Promise<Credentials>
  issueGateway(name: GatewayName): Promise<GatewayCredentials>
  /** For a client that is no gateway (the cloud at an external broker); the broker knows it by its common name. */
  issueClient(commonName: string): Promise<Credentials>
  /** Who a verified client certificate (DER in `raw`) speaks for; undefined when it is no gateway's. */
  gatewayOf(certificate: { raw: Uint8Array }): GatewayName | undefined
  grantSigner(): GrantSigner
}

interface Authority {
  certificate: X509Certificate
  key: CryptoKey
  pem: string
}

/** Opens the folder, making what is missing; throws Fault 'pki.unusable' when a file in it cannot be read. */
export async function openPki(dir: string): Promise<Pki> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const authority = await openAuthority(dir)
  const signer = await openGrantSigner(dir)
  return {
    ca: authority.pem,
    serverCredentials: async (names = []) => {
      const { key, cert } = await issue(authority, serverProfile(names))
      return { key, cert, ca: authority.pem }
    },
    issueGateway: async (name) => {
      const { key, cert, fingerprint } = await issue(authority, gatewayProfile(name))
      return { key, cert, ca: authority.pem, grantKey: signer.publicKey, fingerprint }
    },
    issueClient: async (commonName) => {
      const { key, cert } = await issue(authority, clientProfile(commonName))
      return { key, cert, ca: authority.pem }
    },
    gatewayOf,
    grantSigner: () => signer,
  }
}

/** Reads the name out of the certificate's one URI; the subject is for people and decides nothing. */
export function gatewayOf({ raw }: { raw: Uint8Array }): GatewayName | undefined {
  const names = readNames(raw)
  const only = names?.[0]
  if (names?.length !== 1 || only?.type !== 'url') return undefined
  if (!only.value.startsWith(GATEWAY_URN)) return undefined
  const parts = only.value.slice(GATEWAY_URN.length).split(':')
  if (parts.length !== 2) return undefined
  try {
    const [site, gateway] = parts.map(decodeURIComponent)
    return site && gateway ? { site, gateway } : undefined
  } catch {
    return undefined
  }
}

function readNames(raw: Uint8Array): JsonGeneralName[] | undefined {
  try {
    const certificate = new X509Certificate(new Uint8Array(raw))
    return certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()
  } catch {
    return undefined
  }
}

interface Profile {
  subject: string
  days: number
  names: JsonGeneralName[]
  usage: ExtendedKeyUsage
}

function serverProfile(extra: readonly string[]): Profile {
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...extra])]
  return {
    subject: 'Mimamori cloud',
    days: SERVER_DAYS,
    names: names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
    usage: ExtendedKeyUsage.serverAuth,
  }
}

/** Its name is no gateway's URN, so `gatewayOf` never takes it for one. */
function clientProfile(commonName: string): Profile {
  return {
    subject: commonName,
    days: SERVER_DAYS,
    names: [{ type: 'dns', value: commonName }],
    usage: ExtendedKeyUsage.clientAuth,
  }
}

function gatewayProfile({ site, gateway }: GatewayName): Profile {
  const value = `${GATEWAY_URN}${encodeURIComponent(site)}:${encodeURIComponent(gateway)}`
  return {
    // An external broker takes the common name for the user name; we ourselves never look at it.
    subject: gateway,
    days: GATEWAY_DAYS,
    names: [{ type: 'url', value }],
    usage: ExtendedKeyUsage.clientAuth,
  }
}

async function issue(authority: Authority, profile: Profile) {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([profile.usage]),
    new SubjectAlternativeNameExtension(profile.names),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
  ]
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [{ CN: [profile.subject] }],
    issuer: authority.certificate.subjectName.toJSON(),
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + profile.days * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: EC,
    extensions,
  })
  const fingerprint = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex')
  return { key: await formatKey(keys.privateKey), cert: certificate.toString('pem'), fingerprint }
}

async function openAuthority(dir: string): Promise<Authority> {
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
function randomSerial(): string {
  return `01${randomBytes(16).toString('hex')}`
}

async function formatKey(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

async function readPair(first: string, second: string): Promise<[string, string] | undefined> {
  const [one, two] = [await readText(first), await readText(second)]
  return one !== undefined && two !== undefined ? [one, two] : undefined
}
