/** Certificates for the broker's tests: an authority, a server, gateways and strangers. */
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR_MS = 3_600_000

/** PEM texts, as node:tls takes them. */
export interface Identity {
  key: string
  cert: string
}

/** An authority that signs as many certificates as a test needs. */
export async function createAuthority(name: string) {
  const keys = await createKeys()
  const root = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    serialNumber: '01',
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  })
  let serial = 1
  return {
    ca: root.toString('pem'),
    /** A certificate for this common name, signed by the authority. */
    sign: async (commonName: string, hoursValid = 1): Promise<Identity> => {
      const own = await createKeys()
      serial += 1
      const certificate = await X509CertificateGenerator.create({
        ...validity(hoursValid),
        serialNumber: serial.toString(16).padStart(2, '0'),
        subject: [{ CN: [commonName] }],
        issuer: root.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
      })
      return await formatIdentity(own, certificate)
    },
  }
}

function validity(hours = 1) {
  const now = Date.now()
  return {
    notBefore: new Date(now - 2 * HOUR_MS),
    notAfter: new Date(now + hours * HOUR_MS),
  }
}

async function createKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function formatIdentity(keys: CryptoKeyPair, cert: X509Certificate): Promise<Identity> {
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { key: PemConverter.encode(der, 'PRIVATE KEY'), cert: cert.toString('pem') }
}
