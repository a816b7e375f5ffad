/** Certificates that the authority signs: for servers of the cloud, for its clients, for gateways. */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import {
  formatGatewayUrn,
  type GatewayUrn,
  parseGatewayUrn,
} from '../../protocol/tunnel/gateway-urn.ts'
import { type Authority, DAY_MS, EC, formatKey, randomSerial } from './authority.ts'
import { createDates } from './validity.ts'

/** Browsers refuse longer ones; made anew at every start of the cloud. */
const SERVER_MS = 397 * DAY_MS

export interface Profile {
  subject: string
  /** How long it is valid from now. */
  lifeMs: number
  names: JsonGeneralName[]
  usage: ExtendedKeyUsage
}

/** `localhost`, 127.0.0.1 and ::1 are always in it. */
export function serverProfile(extra: readonly string[]): Profile {
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...extra])]
  return {
    subject: 'Mimamori cloud',
    lifeMs: SERVER_MS,
    names: names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
    usage: ExtendedKeyUsage.serverAuth,
  }
}

/** Its name is no gateway's URN, so that it is never taken for one. */
export function clientProfile(commonName: string): Profile {
  return {
    subject: commonName,
    lifeMs: SERVER_MS,
    names: [{ type: 'dns', value: commonName }],
    usage: ExtendedKeyUsage.clientAuth,
  }
}

export function gatewayProfile(name: GatewayUrn, lifeMs: number): Profile {
  return {
    // An external broker takes the common name for the user name; we ourselves never look at it.
    subject: name.gateway,
    lifeMs,
    names: [{ type: 'url', value: formatGatewayUrn(name) }],
    usage: ExtendedKeyUsage.clientAuth,
  }
}

/** The name in the one URI among these names; undefined: no gateway's. */
export function readGatewayName(names: JsonGeneralName[] | undefined): GatewayUrn | undefined {
  const only = names?.[0]
  return names?.length === 1 && only?.type === 'url' ? parseGatewayUrn(only.value) : undefined
}

export interface Issued {
  cert: string
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: string
  /** Unix ms. */
  from: number
  until: number
}

/** Makes the key too; for who carries both away. */
export async function issueWithKey(
  authority: Authority,
  profile: Profile,
): Promise<Issued & { key: string }> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const issued = await issueFor(authority, profile, keys.publicKey)
  return { ...issued, key: await formatKey(keys.privateKey) }
}

/** For a key whose private half is elsewhere. */
export async function issueFor(
  authority: Authority,
  { subject, lifeMs, names, usage }: Profile,
  publicKey: CryptoKey | PublicKey,
): Promise<Issued> {
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage]),
    new SubjectAlternativeNameExtension(names),
    await SubjectKeyIdentifierExtension.create(publicKey),
  ]
  const { from, until } = createDates(Date.now(), lifeMs)
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [{ CN: [subject] }],
    issuer: authority.certificate.subjectName.toJSON(),
    notBefore: new Date(from),
    notAfter: new Date(until),
    publicKey,
    signingKey: authority.key,
    signingAlgorithm: EC,
    extensions,
  })
  const fingerprint = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex')
  return {
    cert: certificate.toString('pem'),
    fingerprint,
    from: certificate.notBefore.getTime(),
    until: certificate.notAfter.getTime(),
  }
}
