/** Logins: tokens, throttling, changes that take effect at once. */
import { describe, expect, it } from 'vitest'
import { openAudit } from '../audit/audit.ts'
import { openStore } from '../store/store.ts'
import { LOGIN_LIFE_MS, openIdentity } from './logins.ts'

async function open() {
  const store = await openStore({ file: ':memory:' })
  const audit = await openAudit(store)
  const clock = { now: 1_000_000 }
  const identity = await openIdentity({ store, audit, now: () => clock.now })
  const id = await identity.createPerson({
    login: 'Anna',
    name: 'Anna Engineer',
    role: 'engineer',
    sites: ['plant'],
    password: 'correct horse',
  })
  return {
    store,
    audit,
    identity,
    clock,
    id,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

describe('logins', () => {
  it('gives a token that stands for the person until it expires', async () => {
    await using t = await open()
    const { token } = await t.identity.login('anna', 'correct horse', '10.0.0.1')
    expect(await t.identity.personOf(token)).toEqual({
      id: t.id,
      login: 'anna',
      name: 'Anna Engineer',
      role: 'engineer',
      sites: ['plant'],
    })
    t.clock.now += LOGIN_LIFE_MS
    expect(await t.identity.personOf(token)).toBeUndefined()
  })

  it('stores neither the password nor the token', async () => {
    await using t = await open()
    const { token } = await t.identity.login('anna', 'correct horse', '10.0.0.1')
    const persons = await t.store.db.selectFrom('persons').selectAll().execute()
    const logins = await t.store.db.selectFrom('logins').selectAll().execute()
    const stored = JSON.stringify([persons, logins, await t.audit.list({ limit: 100 })])
    expect(stored).not.toContain(token)
    expect(stored).not.toContain('correct horse')
    expect(stored).toContain('$argon2id$v=19$m=65536,t=3,p=4$')
  })

  it('refuses a wrong password, an unknown name and a disabled person in the same words, and audits each', async () => {
    await using t = await open()
    const refusal = { code: 'login.refused', message: 'The login or the password is wrong.' }
    await expect(t.identity.login('anna', 'wrong', 'a')).rejects.toMatchObject(refusal)
    await expect(t.identity.login('nobody', 'wrong', 'a')).rejects.toMatchObject(refusal)
    await t.identity.changePerson(t.id, { disabled: true })
    await expect(t.identity.login('anna', 'correct horse', 'a')).rejects.toMatchObject(refusal)
    const denied = (await t.audit.list({ limit: 10 })).filter((row) => row.outcome === 'denied')
    expect(denied.map((row) => row.actor)).toEqual(['anna', 'nobody', 'anna'])
  })

  it('throttles known and unknown names alike after five failures, then lets the right password in', async () => {
    await using t = await open()
    for (const name of ['anna', 'nobody']) {
      for (let tries = 0; tries < 5; tries += 1) {
        await expect(t.identity.login(name, 'wrong', 'a')).rejects.toMatchObject({
          code: 'login.refused',
        })
      }
      await expect(t.identity.login(name, 'correct horse', 'a')).rejects.toMatchObject({
        code: 'login.throttled',
        detail: { seconds: 10 },
      })
    }
    await t.identity.login('anna', 'correct horse', 'from another place')
    t.clock.now += 10_000
    await t.identity.login('anna', 'correct horse', 'a')
  })

  it('counts tries that are made at the same time', async () => {
    await using t = await open()
    const tries = Array.from({ length: 8 }, () => t.identity.login('anna', 'wrong', 'a'))
    const codes = (await Promise.allSettled(tries)).map(
      (result) => result.status === 'rejected' && result.reason.code,
    )
    expect(codes.filter((code) => code === 'login.refused')).toHaveLength(5)
    expect(codes.filter((code) => code === 'login.throttled')).toHaveLength(3)
  })

  it('applies a changed role and a disabling to tokens given before', async () => {
    await using t = await open()
    const { token } = await t.identity.login('anna', 'correct horse', 'a')
    await t.identity.changePerson(t.id, { role: 'technician', sites: ['*'] })
    expect(await t.identity.personOf(token)).toMatchObject({ role: 'technician', sites: ['*'] })
    await t.identity.changePerson(t.id, { disabled: true })
    expect(await t.identity.personOf(token)).toBeUndefined()
  })

  it('ends a login by logout and by a new password', async () => {
    await using t = await open()
    const first = await t.identity.login('anna', 'correct horse', 'a')
    const second = await t.identity.login('anna', 'correct horse', 'a')
    await t.identity.logout(first.token)
    expect(await t.identity.personOf(first.token)).toBeUndefined()
    expect(await t.identity.personOf(second.token)).toBeDefined()
    await t.identity.setPassword('anna', 'another one')
    expect(await t.identity.personOf(second.token)).toBeUndefined()
    await t.identity.login('anna', 'another one', 'a')
  })

  it('refuses a login name that is taken, whatever its case', async () => {
    await using t = await open()
    const again = t.identity.createPerson({
      login: ' ANNA ',
      name: 'x',
      role: 'admin',
      sites: ['*'],
      password: 'x',
    })
    await expect(again).rejects.toMatchObject({ code: 'identity.login-taken' })
  })
})
