/** Planned maintenance on a real store: entered ahead, now or afterwards, extended, ended, cancelled, by the clock and over a restart. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAudit } from '../audit/audit.ts'
import { readPlannedWork } from '../store/planned-work.ts'
import { openStore, type Store, type StoreOptions } from '../store/store.ts'
import {
  findPostgres,
  openThrowawayPostgres,
  type ThrowawayPostgres,
} from '../store/test/throwaway-postgres.ts'
import { openMaintenance } from './maintenance.ts'
import { MAX_OPEN } from './maintenance-acts.ts'

const NOW = 1_764_000_000_000
const MINUTE = 60_000
const DAY = 86_400_000
const ina = { id: 'per_ina', login: 'ina' }
const press = { asset: 'press', site: 'plant' }
const lathe = { asset: 'lathe', site: 'plant' }

async function insertPlant({ db }: Store): Promise<void> {
  const person = { role: 'engineer', password_hash: '', sites: '"*"', disabled: 0 } as const
  await db
    .insertInto('persons')
    .values({ id: 'per_ina', login: 'ina', name: 'Ina Ito', ...person })
    .execute()
  for (const id of ['plant', 'shop'])
    await db
      .insertInto('sites')
      .values({ id, tenant: 'ten_a', name: id, time_zone: 'Asia/Tokyo' })
      .execute()
  for (const [id, site] of [
    ['press', 'plant'],
    ['lathe', 'plant'],
    ['till', 'shop'],
  ] as const)
    await db
      .insertInto('assets')
      .values({ id, site, name: `The ${id}`, kind: 'machine', model: null })
      .execute()
}

/** The service on a store that may be opened again, as by a restart of the cloud. */
async function start(store: Store, clock: { now: number }) {
  const audit = await openAudit(store)
  const told: string[] = []
  const released: string[] = []
  const maintenance = await openMaintenance({
    ...{ store, audit, now: () => clock.now },
    onChange: ({ id }) => void told.push(id),
    onRelease: async ({ fingerprint }) => void released.push(fingerprint),
  })
  const acts = async () =>
    (await audit.list({ limit: 20 })).map(({ actor, action }) => `${actor} ${action}`).reverse()
  return { maintenance, audit, told, released, acts }
}

async function open(options: StoreOptions = { file: ':memory:' }) {
  const store = await openStore(options)
  await insertPlant(store)
  const clock = { now: NOW }
  return {
    ...(await start(store, clock)),
    ...{ store, clock },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

const wish = (from: number, to: number, of: { asset: string | null; site: string } = press) => ({
  ...{ ...of, from: NOW + from, to: NOW + to },
  text: '  change the seals ',
})

function story(newStore: () => Promise<StoreOptions>): void {
  it('is planned, begins and ends by the clock, and says so in the audit', async () => {
    await using t = await open(await newStore())
    const { id } = await t.maintenance.enter(ina, wish(MINUTE, 3 * MINUTE))
    expect(t.maintenance.workOn(press)).toBeUndefined()
    expect((await t.maintenance.list({})).planned).toMatchObject([
      {
        ...{ id, state: 'planned', asset: 'press', assetName: 'The press', site: 'plant' },
        ...{ text: 'change the seals', enteredAt: NOW, enteredBy: 'Ina Ito', afterwards: false },
      },
    ])
    t.clock.now = NOW + MINUTE
    await t.maintenance.tick(t.clock.now)
    const mark = { id, text: 'change the seals', until: NOW + 3 * MINUTE, by: 'Ina Ito' }
    expect(t.maintenance.workOn(press)).toEqual(mark)
    expect(t.maintenance.workOn(lathe)).toBeUndefined()
    expect(t.maintenance.workOn({ ...press, site: 'shop' })).toBeUndefined()
    t.clock.now = NOW + 5 * MINUTE
    await t.maintenance.tick(t.clock.now)
    expect(t.maintenance.workOn(press)).toBeUndefined()
    const { past } = await t.maintenance.list({ asset: 'press' })
    expect(past).toMatchObject([{ state: 'over', endedAt: NOW + 3 * MINUTE, endedBy: null }])
    expect(await t.acts()).toEqual([
      'ina maintenance.enter',
      'maintenance maintenance.begin',
      'maintenance maintenance.over',
    ])
    expect(t.told).toEqual([id, id, id])
  })

  it('may cover a whole site, and overlap: the machine is out until the last one ends', async () => {
    await using t = await open(await newStore())
    const site = await t.maintenance.enter(ina, wish(0, 2 * MINUTE, { asset: null, site: 'plant' }))
    await t.maintenance.enter(ina, wish(0, 5 * MINUTE))
    expect(t.maintenance.workOn(lathe)).toMatchObject({ until: NOW + 2 * MINUTE })
    expect(t.maintenance.workOn(press)).toMatchObject({ until: NOW + 5 * MINUTE })
    expect(t.maintenance.workOn({ asset: 'till', site: 'shop' })).toBeUndefined()
    const ended = await t.maintenance.end(ina, site.id)
    expect(ended).toMatchObject({ state: 'over', endedAt: NOW, endedBy: 'Ina Ito' })
    expect(t.maintenance.workOn(lathe)).toBeUndefined()
    expect(t.maintenance.workOn(press)).toBeDefined()
    const { past, running } = await t.maintenance.list({ asset: 'press', sites: ['plant'] })
    expect([past.length, running.length]).toEqual([1, 1])
    expect(await t.maintenance.list({ sites: ['shop'] })).toMatchObject({ running: [], past: [] })
  })

  it('of the past is known to whoever learns from history, less what was cancelled and only planned', async () => {
    await using t = await open(await newStore())
    const done = await t.maintenance.enter(ina, wish(-2 * DAY, -DAY))
    expect(done).toMatchObject({ state: 'over', afterwards: true, endedAt: NOW - DAY })
    const wrong = await t.maintenance.enter(ina, wish(-3 * DAY, -2 * DAY))
    await t.maintenance.cancel(ina, wrong.id, 'it was the lathe')
    await t.maintenance.enter(ina, wish(DAY, 2 * DAY))
    await t.maintenance.enter(ina, wish(-MINUTE, MINUTE, { asset: null, site: 'plant' }))
    const text = 'change the seals'
    expect(await readPlannedWork(t.store, press)).toEqual([
      { from: NOW - 2 * DAY, to: NOW - DAY, text },
      { from: NOW - MINUTE, to: NOW + MINUTE, text },
    ])
    const later = { ...press, from: NOW - DAY + 1, to: NOW - DAY + 2 }
    expect(await readPlannedWork(t.store, later)).toEqual([])
  })
}

describe('planned maintenance', () => {
  story(async () => ({ file: ':memory:' }))

  it('is extended while it runs, ended early, and cancelled before it begins; every other act is refused', async () => {
    await using t = await open()
    const planned = await t.maintenance.enter(ina, wish(MINUTE, 2 * MINUTE))
    const running = await t.maintenance.enter(ina, wish(-MINUTE, 2 * MINUTE))
    const refused = (work: Promise<unknown>, say: string) => expect(work).rejects.toThrow(say)
    const to = NOW + 9 * MINUTE
    await refused(t.maintenance.extend(ina, planned.id, to), 'is planned: it cannot be extended')
    await refused(t.maintenance.end(ina, planned.id), 'is planned: it cannot be ended now')
    await refused(t.maintenance.cancel(ina, running.id, 'x'), 'is running: it cannot be cancelled')
    const wide = t.maintenance.extend(ina, running.id, NOW + MINUTE)
    await refused(wide, '/to (2025-11-24T16:01:00.000Z) is not after its end so far')
    const far = t.maintenance.extend(ina, running.id, NOW + 31 * DAY)
    await refused(far, '/to is more than 30 days from now')
    expect(await t.maintenance.extend(ina, running.id, to)).toMatchObject({ to })
    expect(t.maintenance.workOn(press)).toMatchObject({ until: to })
    expect(await t.maintenance.cancel(ina, planned.id, 'no spare part')).toMatchObject({
      ...{ state: 'cancelled', cancelledAt: NOW, cancelledBy: 'Ina Ito' },
    })
    await t.maintenance.end(ina, running.id)
    await refused(t.maintenance.end(ina, running.id), 'is over: it cannot be ended now')
    await refused(t.maintenance.cancel(ina, running.id, 'x'), 'is over: it cannot be cancelled')
    await refused(t.maintenance.cancel(ina, planned.id, 'x'), 'is cancelled: it cannot be')
    await refused(t.maintenance.end(ina, 'mnt_x'), 'nothing here')
    const entry = (await t.audit.list({ limit: 20 })).find(({ action }) => /cancel$/.test(action))
    expect(JSON.parse(entry!.detail)).toMatchObject({ asset: 'press', reason: 'no spare part' })
  })

  it.each([
    ['ends before it begins', wish(MINUTE, 0), '/to (2025-11-24T16:00:00.000Z) is not after /from'],
    ['lasts 31 days', wish(0, 31 * DAY), '/to is more than 30 days after /from'],
    ['is of a wrong year', wish(-500 * DAY, -499 * DAY), '/from (2024-07-12'],
    ['is at no time at all', { ...wish(0, 1), from: 1e300 }, '/from (1e+300) is more than 400'],
    ['says nothing', { ...wish(0, MINUTE), text: '     ' }, '/text does not say what is done'],
    ['is of an unknown asset', wish(0, MINUTE, { asset: 'x', site: 'plant' }), 'nothing here'],
    ['is of an unknown site', wish(0, MINUTE, { asset: null, site: 'x' }), 'nothing here'],
    ['is of an asset elsewhere', wish(0, MINUTE, { asset: 'till', site: 'plant' }), 'nothing here'],
  ])('that %s is refused with the place', async (_, wanted, say) => {
    await using t = await open()
    await expect(t.maintenance.enter(ina, wanted)).rejects.toThrow(say)
    expect((await t.maintenance.list({})).running).toEqual([])
  })

  it('that ran over while the cloud was down ends at its start, and one that came and went is over', async () => {
    await using t = await open()
    const running = await t.maintenance.enter(ina, wish(0, MINUTE))
    const planned = await t.maintenance.enter(ina, wish(2 * MINUTE, 3 * MINUTE))
    t.clock.now = NOW + DAY
    const again = await start(t.store, t.clock)
    expect(again.maintenance.workOn(press)).toMatchObject({ id: running.id })
    await again.maintenance.tick(t.clock.now)
    expect(again.maintenance.workOn(press)).toBeUndefined()
    expect((await again.maintenance.list({})).past).toMatchObject([
      { id: planned.id, state: 'over', endedAt: NOW + 3 * MINUTE },
      { id: running.id, state: 'over', endedAt: NOW + MINUTE },
    ])
  })

  it('that is over stays over when the clock is set back, and what runs goes on', async () => {
    await using t = await open()
    const first = await t.maintenance.enter(ina, wish(0, MINUTE))
    const second = await t.maintenance.enter(ina, wish(0, 9 * MINUTE))
    t.clock.now = NOW + 2 * MINUTE
    await t.maintenance.tick(t.clock.now)
    t.clock.now = NOW - DAY
    await t.maintenance.tick(t.clock.now)
    const { running, past } = await t.maintenance.list({})
    expect([running[0]?.id, past[0]?.id]).toEqual([second.id, first.id])
    const ended = await t.maintenance.end(ina, second.id)
    expect(ended).toMatchObject({ state: 'over', endedAt: NOW })
  })

  it('of a thousand machines at a time is known of each, and one more is refused', async () => {
    await using t = await open()
    const row = {
      ...{
        site: 'plant',
        previous_state: 'planned' as const,
        state: 'running' as const,
        text: 'x',
        from_at: NOW,
      },
      ...{ entered_at: NOW, entered_by: 'per_ina', ended_at: null, ended_by: null },
      ...{ cancelled_at: null, cancelled_by: null },
    } as const
    const rows = Array.from({ length: MAX_OPEN }, (_, i) => {
      return { ...row, id: `mnt_${i}`, asset: `asset-${i}`, to_at: NOW + MINUTE + i }
    })
    await t.store.db.insertInto('maintenance_windows').values(rows).execute()
    await t.maintenance.tick(NOW)
    for (const asset of ['asset-0', `asset-${MAX_OPEN - 1}`])
      expect(t.maintenance.workOn({ asset, site: 'plant' }), asset).toBeDefined()
    expect((await t.maintenance.list({})).running).toHaveLength(MAX_OPEN)
    const more = t.maintenance.enter(ina, wish(0, MINUTE))
    await expect(more).rejects.toThrow('1000 are planned or running at this site already')
  })

  it('holds what other systems report of its machine, and lets go what has not passed by its end', async () => {
    await using t = await open()
    const report = (fingerprint: string) => ({ asset: 'press', fingerprint, title: 'Hot' })
    expect(await t.maintenance.hold(report('before'))).toBe(false)
    const { id } = await t.maintenance.enter(ina, wish(0, DAY))
    expect(await t.maintenance.hold(report('stays'))).toBe(true)
    expect(await t.maintenance.hold(report('stays'))).toBe(true)
    expect(await t.maintenance.hold(report('passes'))).toBe(true)
    expect(await t.maintenance.hold({ ...report('other'), asset: 'lathe' })).toBe(false)
    expect(await t.maintenance.hold({ ...report('none'), asset: 'nobody' })).toBe(false)
    await t.maintenance.drop(report('passes'))
    await t.maintenance.tick(NOW)
    expect(t.released).toEqual([])
    const again = await start(t.store, t.clock)
    await again.maintenance.end(ina, id)
    await again.maintenance.tick(NOW)
    await again.maintenance.tick(NOW)
    expect(again.released).toEqual(['stays'])
  })
})

const bin = await findPostgres()
describe.skipIf(!bin)('planned maintenance on PostgreSQL (apt-get install postgresql)', () => {
  let postgres: ThrowawayPostgres
  let databases = 0
  beforeAll(async () => {
    postgres = await openThrowawayPostgres(bin!)
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())
  story(async () => ({ url: await postgres.createDatabase(`maintenance${++databases}`) }))
})
