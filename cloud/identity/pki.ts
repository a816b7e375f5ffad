/** The installation's own certificates and grant key: kept in one folder, shared with nobody. */
import 'reflect-metadata'
import { X509Certificate as NodeCertificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import {
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509'
import type { JWK } from 'jose'
import type { GatewayUrn } from '../../protocol/tunnel/gateway-urn.ts'
import { DAY_MS, EC, openAuthority } from './authority.ts'
import { type GrantSigner, openGrantSigner } from './grant-signer.ts'
import {
  clientProfile,
  gatewayProfile,
  type Issued,
  issueFor,
  issueWithKey,
  readGatewayName,
  serverProfile,
} from './issue.ts'

/** Short: what was stolen is worth little, and what is in use is renewed at two thirds of it. */
const GATEWAY_DAYS = 30

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

export interface PkiOptions {
  /** How long a gateway's certificate is valid. */
  gatewayDays?: number
}

export interface Pki {
  /** The CA certificate, PEM. */
  ca: string
  /** For TLS servers of the cloud; `localhost`, 127.0.0.1 and ::1 are always in it. */
  serverCredentials(names?: readonly string[]): Promise<Credentials>
  issueGateway(name: GatewayUrn): Promise<GatewayCredentials>
  /** A certificate for a gateway's own key (PKCS #10, PEM); undefined: the request is not sound, or for another name. */
  signRequest(name: GatewayUrn, request: string): Promise<Issued | undefined>
  /** For a client that is no gateway (the cloud at an external broker); the broker knows it by its common name. */
  issueClient(commonName: string): Promise<Credentials>
  /** Who a verified client certificate (DER in `raw`) speaks for; undefined when it is no gateway's. */
  gatewayOf(certificate: { raw: Uint8Array }): GatewayUrn | undefined
  /** True when our CA signed it, whatever its dates. */
  isOwn(certificate: NodeCertificate): boolean
  grantSigner(): GrantSigner
}

/** Opens the folder, making what is missing; throws Fault 'pki.unusable' when a file in it cannot be read. */
export async function openPki(dir: string, options: PkiOptions = {}): Promise<Pki> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const authority = await openAuthority(dir)
  const signer = await openGrantSigner(dir)
  const own = new NodeCertificate(authority.pem)
  const lifeMs = (options.gatewayDays ?? GATEWAY_DAYS) * DAY_MS
  return {
    ca: authority.pem,
    serverCredentials: async (names = []) => {
      const { key, cert } = await issueWithKey(authority, serverProfile(names))
      return { key, cert, ca: authority.pem }
    },
    issueGateway: async (name) => {
      const { key, cert, fingerprint } = await issueWithKey(authority, gatewayProfile(name, lifeMs))
      return { key, cert, ca: authority.pem, grantKey: signer.publicKey, fingerprint }
    },
    async signRequest(name, request) {
      const key = await readRequest(name, request)
      return key && (await issueFor(authority, gatewayProfile(name, lifeMs), key))
    },
    issueClient: async (commonName) => {
      const { key, cert } = await issueWithKey(authority, clientProfile(commonName))
      return { key, cert, ca: authority.pem }
    },
    gatewayOf,
    isOwn: (certificate) => certificate.checkIssued(own) && certificate.verify(own.publicKey),
    grantSigner: () => signer,
  }
}

/** Reads the name out of the certificate's one URI; the subject is for people and decides nothing. */
export function gatewayOf({ raw }: { raw: Uint8Array }): GatewayUrn | undefined {
  try {
    const certificate = new X509Certificate(new Uint8Array(raw))
    return readGatewayName(
      certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON(),
    )
  } catch {
    return undefined
  }
}

/** The key of a request that proves it holds the key, asks for exactly this name, and for a key of our kind. */
async function readRequest(
  name: GatewayUrn,
  pem: string,
): Promise<Pkcs10CertificateRequest['publicKey'] | undefined> {
  try {
    const request = new Pkcs10CertificateRequest(pem)
    const asked = request.extensions.find((it) => it instanceof SubjectAlternativeNameExtension)
    const wanted = readGatewayName(asked?.names.toJSON())
    if (wanted?.site !== name.site || wanted.gateway !== name.gateway) return undefined
    const { name: kind, namedCurve } = request.publicKey.algorithm as Partial<typeof EC>
    if (kind !== EC.name || namedCurve !== EC.namedCurve) return undefined
    return (await request.verify()) ? request.publicKey : undefined
  } catch {
    // What cannot be read asks for nothing.
    return undefined
  }
}
