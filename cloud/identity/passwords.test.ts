/** Password hashes, ours and of the reference implementation. */
import { describe, expect, it } from 'vitest'
import { hashPassword, isPassword } from './passwords.ts'

describe('passwords', () => {
  it('knows a password by its hash and no other', async () => {
    const phc = await hashPassword('pässword')
    expect(await isPassword('pässword', phc)).toBe(true)
    expect(await isPassword('passwörd', phc)).toBe(false)
  })

  it('salts: one password has many hashes', async () => {
    expect(await hashPassword('x')).not.toBe(await hashPassword('x'))
  })

  it('reads a hash of other parameters, made by the reference implementation', async () => {
    // The test vector of the argon2 reference programs: "password", salt "somesalt", m=65536, t=2, p=1.
    const phc =
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await isPassword('password', phc)).toBe(true)
    expect(await isPassword('Password', phc)).toBe(false)
  })

  it('refuses what is no hash, or one that asks for absurd memory', async () => {
    for (const phc of [
      '',
      'plain',
      '$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm',
    ]) {
      await expect(isPassword('x', phc)).rejects.toMatchObject({ code: 'identity.bad-hash' })
    }
  })
})
