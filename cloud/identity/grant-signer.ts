/** The Ed25519 key that signs grants: made once, kept in a file, its public half pinned by every gateway. */
import { CompactSign, type JWK } from 'jose'
import { GRANT_TYPE, type GrantClaims } from '../../protocol/grant.ts'
import { openSigningKey } from './signing-key.ts'

export interface GrantSigner {
  /** The grant as a compact JWS (EdDSA, typ of protocol/grant.ts). */
  sign(claims: GrantClaims): Promise<string>
  publicKey: JWK
}

/** Opens `grant.jwk.json` in the folder, making it at the first start. */
export async function openGrantSigner(dir: string): Promise<GrantSigner> {
  const { key, publicKey } = await openSigningKey(dir, 'grant.jwk.json')
  return {
    publicKey,
    sign: async (claims) =>
      await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', typ: GRANT_TYPE })
        .sign(key),
  }
}
