/** An Ed25519 signing key in a file of the key folder: made at the first start, readable by its owner only. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { exportJWK, importJWK, type JWK } from 'jose'
import { Fault } from '../../protocol/kit/fault.ts'
import { readText, writePrivate } from './key-file.ts'

export interface SigningKey {
  key: Awaited<ReturnType<typeof importJWK>>
  publicKey: JWK
}

/** Throws Fault 'pki.unusable' when the file is there and is no key. */
export async function openSigningKey(dir: string, name: string): Promise<SigningKey> {
  const file = join(dir, name)
  const known = await readText(file)
  try {
    const jwk = known === undefined ? await createKey(file) : (JSON.parse(known) as JWK)
    const { d: _secret, ...publicKey } = jwk
    return { publicKey, key: await importJWK(jwk, 'EdDSA') }
  } catch (cause) {
    throw new Fault('pki.unusable', { dir, file: name }, { cause })
  }
}

async function createKey(file: string): Promise<JWK> {
  const keys = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const jwk = await exportJWK((keys as CryptoKeyPair).privateKey)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writePrivate(file, `${JSON.stringify(jwk)}\n`)
  return jwk
}
