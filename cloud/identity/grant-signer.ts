/** The Ed25519 key that signs grants: made once, kept in a file, its public half pinned by every gateway. */
import { join } from 'node:path'
import { CompactSign, exportJWK, importJWK, type JWK } from 'jose'
import { GRANT_TYPE, type GrantClaims } from '../../protocol/grant.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { readText, writePrivate } from './key-file.ts'

export interface GrantSigner {
  /** The grant as a compact JWS (EdDSA, typ of protocol/grant.ts). */
  sign(claims: GrantClaims): Promise<string>
  publicKey: JWK
}

/** Opens `grant.jwk.json` in the folder, making it at the first start. */
export async function openGrantSigner(dir: string): Promise<GrantSigner> {
  const file = join(dir, 'grant.jwk.json')
  const known = await readText(file)
  const jwk = known === undefined ? await createGrantKey(file) : parseGrantKey(dir, known)
  const { d: _secret, ...publicKey } = jwk
  const key = await importJWK(jwk, 'EdDSA').catch((cause) => {
    throw new Fault('pki.unusable', { dir, file: 'grant.jwk.json' }, { cause })
  })
  return {
    publicKey,
    sign: async (claims) =>
      await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', typ: GRANT_TYPE })
        .sign(key),
  }
}

async function createGrantKey(file: string): Promise<JWK> {
  const keys = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const jwk = await exportJWK((keys as CryptoKeyPair).privateKey)
  await writePrivate(file, `${JSON.stringify(jwk)}\n`)
  return jwk
}

function parseGrantKey(dir: string, text: string): JWK {
  try {
    return JSON.parse(text) as JWK
  } catch (cause) {
    throw new Fault('pki.unusable', { dir, file: 'grant.jwk.json' }, { cause })
  }
}
