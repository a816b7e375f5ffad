/** Makes a key pair and a request for its certificate; the private key never leaves this machine. */
import 'reflect-metadata'
import {
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509'

export interface MadeRequest {
  /** PKCS #8, PEM */
  key: string
  /** PKCS #10, PEM */
  request: string
}

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** `urn`: the name that the certificate in force has. */
export async function makeRequest(urn: string): Promise<MadeRequest> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: EC,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'url', value: urn }])],
  })
  const raw = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { key: PemConverter.encode(raw, 'PRIVATE KEY'), request: request.toString('pem') }
}
