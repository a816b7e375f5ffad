/** The audit log keeps its chain, and finds every way of breaking it. */
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import { openStore, type Store } from '../store/store.ts'
import { openAudit } from './audit.ts'

const entry = {
  actor: 'anna',
  action: 'alarm.acknowledge',
  object: 'alm_1',
  outcome: 'done',
} as const

async function openFilled(count: number) {
  const store = await openStore({ file: ':memory:' })
  const clock = { now: 1_000 }
  const audit = await openAudit(store, () => clock.now)
  for (let index = 0; index < count; index += 1) {
    await audit.append({ ...entry, object: `alm_${index}`, site: index % 2 ? 'shop' : 'plant' })
  }
  return { store, audit, clock }
}

describe('audit', () => {
  it('lists the newest first, of the asked sites only', async () => {
    const { store, audit } = await openFilled(4)
    await using _ = store
    expect((await audit.list({ limit: 10 })).map((row) => row.object)).toEqual([
      'alm_3',
      'alm_2',
      'alm_1',
      'alm_0',
    ])
    const shop = await audit.list({ limit: 1, sites: ['shop'] })
    expect(shop.map((row) => row.object)).toEqual(['alm_3'])
    expect(await audit.list({ limit: 10, sites: [] })).toEqual([])
  })

  it('chains entries appended at the same time without a gap', async () => {
    const { store, audit } = await openFilled(0)
    await using _ = store
    await Promise.all(Array.from({ length: 20 }, () => audit.append(entry)))
    expect((await audit.list({ limit: 100 })).map((row) => row.seq).reverse()).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    expect(await audit.verify()).toEqual({ intact: true })
  })

  it('finds the entry that somebody edited', async () => {
    const { store, audit } = await openFilled(5)
    await using _ = store
    await store.db.updateTable('audit').set({ actor: 'eve' }).where('seq', '=', 3).execute()
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 3 })
  })

  it('finds an entry cut out of the middle, and entries cut off the end', async () => {
    const { store, audit } = await openFilled(5)
    await using _ = store
    await store.db.deleteFrom('audit').where('seq', '=', 5).execute()
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 5 })
    await store.db.deleteFrom('audit').where('seq', '=', 2).execute()
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 2 })
  })

  it('finds an entry that was edited and hashed again', async () => {
    const { store, audit } = await openFilled(3)
    await using _ = store
    await sql`update audit set hash = ${'f'.repeat(64)} where seq = 3`.execute(store.db)
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 3 })
  })

  it('misses the end of the chain when it was taken away', async () => {
    const { store, audit } = await openFilled(3)
    await using _ = store
    await store.db.deleteFrom('settings').execute()
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 3 })
  })

  it('verifies across pages', async () => {
    const { store, audit } = await openFilled(1_001)
    await using _ = store
    expect(await audit.verify()).toEqual({ intact: true })
    await store.db
      .updateTable('audit')
      .set({ detail: '{"x":1}' })
      .where('seq', '=', 1_001)
      .execute()
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 1_001 })
  })
})

describe('a look at what came since', () => {
  it('says the same as a look at all of it, for edits, cuts and a head that was put back', async () => {
    const attacks: [(store: Store) => Promise<unknown>, number][] = [
      [({ db }) => db.updateTable('audit').set({ actor: 'eve' }).where('seq', '=', 7).execute(), 7],
      [({ db }) => db.deleteFrom('audit').where('seq', '=', 7).execute(), 7],
      [({ db }) => db.deleteFrom('audit').where('seq', '>=', 8).execute(), 8],
      [({ db }) => db.deleteFrom('settings').execute(), 8],
      [({ db }) => db.updateTable('settings').set({ value: '8:00' }).execute(), 8],
      [({ db }) => db.updateTable('settings').set({ value: 'cut off' }).execute(), 8],
      // Also what was looked at already: the end is not where it was.
      [({ db }) => db.deleteFrom('audit').where('seq', '>=', 5).execute(), 5],
    ]
    for (const [attack, brokenAt] of attacks) {
      const { store, audit } = await openFilled(5)
      await using _ = store
      expect(await audit.check()).toEqual({ intact: true })
      for (let more = 0; more < 3; more++) await audit.append(entry)
      await attack(store)
      expect(await audit.check()).toEqual({ intact: false, brokenAt })
      expect(await audit.check()).toEqual({ intact: false, brokenAt })
    }
  })

  it('sees that the head names another entry than the one that was there at the last look', async () => {
    const { store, audit } = await openFilled(5)
    await using _ = store
    expect(await audit.check()).toEqual({ intact: true })
    await store.db.updateTable('settings').set({ value: '5:00' }).execute()
    expect(await audit.check()).toEqual({ intact: false, brokenAt: 5 })
    expect(await audit.verify()).toEqual({ intact: false, brokenAt: 5 })
  })

  it('does not take back what a look at all of it found meanwhile', async () => {
    const { store, audit } = await openFilled(5)
    await using _ = store
    expect(await audit.check()).toEqual({ intact: true })
    await store.db.updateTable('audit').set({ actor: 'eve' }).where('seq', '=', 2).execute()
    // The look at the end is asked for last and is done last.
    const [whole] = await Promise.all([audit.verify(), Promise.resolve().then(audit.check)])
    expect(whole).toEqual({ intact: false, brokenAt: 2 })
    expect(await audit.check()).toEqual({ intact: false, brokenAt: 2 })
  })

  it('looks at all of it at the first time and once a day: an old entry that was changed shows then', async () => {
    const { store, audit, clock } = await openFilled(5)
    await using _ = store
    const edit = (actor: string) =>
      store.db.updateTable('audit').set({ actor }).where('seq', '=', 2).execute()
    await edit('eve')
    expect(await audit.check()).toEqual({ intact: false, brokenAt: 2 })
    await edit(entry.actor)
    expect(await audit.check()).toEqual({ intact: true })
    await edit('eve')
    // Not read: that is what it is for.
    expect(await audit.check()).toEqual({ intact: true })
    expect(await (await openAudit(store)).check()).toEqual({ intact: false, brokenAt: 2 })
    clock.now += 86_400_000
    expect(await audit.check()).toEqual({ intact: false, brokenAt: 2 })
  })
})

describe('canonical JSON', () => {
  it('does not depend on the order of keys', () => {
    const text = '{"a":[1,{"c":null,"d":"é"}],"b":"12"}'
    expect(formatCanonicalJson({ b: 12n, a: [1, { d: 'é', c: null, e: undefined }] })).toBe(text)
  })
})
