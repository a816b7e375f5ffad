/** The Ed25519 key that signs registered models; a key of its own, so that no model can pass for a grant. */
import { CompactSign, compactVerify, importJWK } from 'jose'
import { openSigningKey } from './signing-key.ts'

/** `typ` of the signature, so that it is taken for nothing else. */
const MODEL_TYPE = 'mimamori-model+jws'

export interface ModelSigner {
  /** The claims as a compact JWS (EdDSA). */
  sign(claims: object): Promise<string>
  /** The claims; undefined when this key did not sign them. */
  verify(signature: string): Promise<unknown>
}

/** Opens `models.jwk.json` in the folder, making it at the first start. */
export async function openModelSigner(dir: string): Promise<ModelSigner> {
  const { key, publicKey } = await openSigningKey(dir, 'models.jwk.json')
  const verifying = await importJWK(publicKey, 'EdDSA')
  return {
    sign: async (claims) =>
      await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', typ: MODEL_TYPE })
        .sign(key),
    async verify(signature) {
      try {
        const { payload, protectedHeader } = await compactVerify(signature, verifying)
        if (protectedHeader.typ !== MODEL_TYPE) return undefined
        return JSON.parse(new TextDecoder().decode(payload))
      } catch {
        // Not signed by this key, or no signature at all: both are "no".
        return undefined
      }
    },
  }
}
