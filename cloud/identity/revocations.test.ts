/** What is revoked and what is not, with real certificates and a store that is opened again. */
import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openAudit } from '../audit/audit.ts'
import { openStore, type Store } from '../store/store.ts'
import { openPki, type Pki } from './pki.ts'
import type { Actor } from './policy.ts'
import { openRevocations } from './revocations.ts'
import { datesOf, issuedAtOf } from './validity.ts'

const HOUR_MS = 3_600_000
const gw1 = { site: 'plant', gateway: 'gw1' }
const admin: Actor = { id: 'per_a', login: 'ada', name: 'Ada', role: 'admin', sites: ['*'] }

let dir: string
let store: Store
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-revocations-'))
  store = await openStore({ file: ':memory:' })
  const row = { site: 'plant', id: 'gw1', title: 'G', online: 0 as const }
  await store.db.insertInto('gateways').values(row).execute()
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

/** What the certificate says of itself, made when the clock was off by so much. */
async function issue(pki: Pki, offMs = 0) {
  const realNow = Date.now
  try {
    Date.now = () => realNow() + offMs
    return datesOf(new X509Certificate((await pki.issueGateway(gw1)).cert))
  } finally {
    Date.now = realNow
  }
}

async function open(aheadMs = 0) {
  const audit = await openAudit(store)
  const cut: string[] = []
  const revocations = await openRevocations({
    ...{ store, audit, now: () => Date.now() + aheadMs },
    onRevoke: ({ gateway }) => void cut.push(gateway),
  })
  return { revocations, cut, audit }
}

test('all that was issued to the gateway is refused, what is issued later is not, and a restart knows', async () => {
  const pki = await openPki(dir)
  const [old, now, next] = [await issue(pki, -HOUR_MS), await issue(pki), await issue(pki, 5_000)]
  const { revocations, cut, audit } = await open(2_000)
  expect(revocations.isRevoked(gw1, now)).toBe(false)
  expect(revocations.revokedAt(gw1, now)).toBeUndefined()
  await revocations.revoke(admin, gw1, 'stolen from the van')
  expect(cut).toEqual(['gw1'])
  for (const each of [revocations, (await open()).revocations]) {
    expect([old, now, next].map((it) => each.isRevoked(gw1, it))).toEqual([true, true, false])
    expect(each.isRevoked({ site: 'plant', gateway: 'gw2' }, now)).toBe(false)
    expect(each.isRevoked({ site: 'shop', gateway: 'gw1' }, now)).toBe(false)
    expect(each.revokedAt(gw1, now)).toEqual(expect.any(Number))
    expect(each.revokedAt(gw1, undefined)).toEqual(expect.any(Number))
    expect(each.revokedAt(gw1, next)).toBeUndefined()
  }
  const [entry] = await audit.list({ limit: 1 })
  expect(entry).toMatchObject({
    ...{ actor: 'ada', action: 'gateway.revoke', object: 'plant/gw1', site: 'plant' },
    outcome: 'done',
  })
  expect(JSON.parse(entry?.detail ?? '')).toMatchObject({ reason: 'stolen from the van' })
})

test('it holds from the moment it is asked for, while the disk still writes; what the disk refuses is not revoked', async () => {
  const now = await issue(await openPki(dir))
  const { revocations, cut } = await open(2_000)
  const writing = revocations.revoke(admin, gw1, 'stolen')
  expect(revocations.isRevoked(gw1, now)).toBe(true)
  await writing
  await store.db.deleteFrom('gateway_revocations').execute()
  const other = await open(2_000)
  await store.db.schema.dropTable('gateway_revocations').execute()
  await expect(other.revocations.revoke(admin, gw1, 'stolen')).rejects.toThrow()
  expect(other.revocations.isRevoked(gw1, now)).toBe(false)
  expect([cut, other.cut]).toEqual([['gw1'], []])
})

test('one that was issued by a clock that ran ahead does not outlive its revocation', async () => {
  const ahead = await issue(await openPki(dir), 24 * HOUR_MS)
  const { from: certificate_from, until: certificate_until } = ahead
  await store.db.updateTable('gateways').set({ certificate_from, certificate_until }).execute()
  const { revocations } = await open()
  await revocations.revoke(admin, gw1, 'stolen')
  expect(revocations.isRevoked(gw1, ahead)).toBe(true)
})

test('the time of issue is read from the dates, for a month as for seconds, and never too late', async () => {
  for (const gatewayDays of [30, 1 / 24, 10 / 86_400]) {
    const pki = await openPki(dir, { gatewayDays })
    const before = Date.now()
    const issuedAt = issuedAtOf(await issue(pki))
    expect(issuedAt).toBeLessThanOrEqual(Date.now())
    expect(issuedAt).toBeGreaterThan(before - 1_000)
  }
})
