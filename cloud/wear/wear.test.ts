/** Parts over their lives: readings, exchanges, forecasts, proposed service; on a real store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore, type Store } from '../store/store.ts'
import type { WornPart } from './part-lives.ts'
import { createWear, type Wear, type WearOptions } from './wear.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const CUTS: TagId = 'shop/gw/pos-1/PaperCutCount/Life'
const SERIAL: TagId = 'shop/gw/pos-1/SerialNumber'
const cutter: WornPart = {
  ...{ asset: 'pos-1', assetName: 'POS 1', site: 'shop', kind: 'pos', part: 'cutter' },
  tenant: 'ten_a',
  ...{ tag: CUTS, serial: SERIAL, limit: 20_000, unit: 'cuts', leadDays: 14, watchHours: 48 },
}

let dir: string
let store: Store
let samples: Sample[]
let due: string[]
let wear: Wear

const say = (tag: TagId, at: number, value: Sample['value'], q: Sample['quality'] = quality.good) =>
  samples.push({ tag, at, value, quality: q })
const history: WearOptions['history'] = {
  latest: async (tags) => tags.flatMap((tag) => samples.findLast((one) => one.tag === tag) ?? []),
  range: async ({ tag, from, to }) =>
    samples
      .filter((one) => one.tag === tag && one.at >= from && one.at < to)
      .map(({ at, value }) => ({ at, max: value === null ? null : Number(value) })),
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-wear-'))
  store = await openStore({ file: join(dir, 'state.sqlite') })
  samples = []
  due = []
  const onDue: WearOptions['onDue'] = async ({ title }) => void due.push(title)
  const audit = await openAudit(store)
  wear = createWear({ store, audit, history, parts: [cutter], onDue })
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

/** A chain of shops whose tills count all day; answers what a day of ticks asks of historian and store. */
async function watchShops(count: number, ticks: number) {
  const asked = { latest: 0, range: 0, store: 0 }
  const db = store.db.withPlugin({
    transformQuery({ node }) {
      asked.store += 1
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const shops = Array.from({ length: count }, (_, i): WornPart => {
    return { ...cutter, asset: `pos-${i}`, tag: `shop/gw/pos-${i}/Cuts`, serial: undefined }
  })
  const now = { at: START }
  const many = createWear({
    ...{ store: { ...store, db }, audit: await openAudit(store), parts: shops },
    onDue: async () => undefined,
    history: {
      async latest(tags) {
        asked.latest += 1
        return tags.map((tag) => {
          return { tag, at: now.at, value: now.at - START, quality: quality.good }
        })
      },
      async range() {
        asked.range += 1
        return [{ at: START, max: 0 }]
      },
    },
  })
  const seen = []
  for (let tick = 0; tick < ticks; tick++) {
    now.at = START + 3 * DAY + tick * 30_000
    const before = { ...asked }
    await many.tick(now.at)
    seen.push({ range: asked.range - before.range, store: asked.store - before.store })
  }
  return { asked, seen, many, now }
}

/** One day of trade: a hundred cuts, read in the evening. */
async function live(days: number, { from = 0, count = 0, serial = 'A' } = {}): Promise<number> {
  let cuts = count
  for (let day = from; day < from + days; day++) {
    say(SERIAL, START + day * DAY, serial)
    say(CUTS, START + day * DAY, BigInt(cuts))
    await wear.tick(START + day * DAY)
    cuts += 100
  }
  return cuts - 100
}

describe('the wear of a part', () => {
  it('becomes a date range once it was watched long enough', async () => {
    expect(await wear.itemsOf('pos-1', START)).toMatchObject([
      { end: null, health: null, text: 'its counter or serial number was not read yet' },
    ])
    await live(2, { count: 5000 })
    const early = await wear.itemsOf('pos-1', START + DAY)
    expect(early).toMatchObject([
      { end: null, health: 0.255, text: expect.stringContaining('48 hours') },
    ])
    await live(18, { from: 2, count: 5200 })
    const [item] = await wear.itemsOf('pos-1', START + 19 * DAY)
    expect(item).toMatchObject({ text: '6,900 of 20,000 cuts; 100 a day', source: 'wear' })
    expect((item?.end?.expected ?? 0) / DAY).toBeCloseTo((START + 150 * DAY) / DAY, 1)
    expect(item?.orderBy).toBe((item?.end?.early ?? 0) - 14 * DAY)
    expect(due).toEqual([])
  })

  it('opens one case when the day to order has come, and no second one', async () => {
    await live(12, { count: 18_000 })
    expect(due).toEqual([expect.stringContaining('Service due: cutter of POS 1 (18,')])
    await live(5, { from: 12, count: 19_200 })
    expect(due).toHaveLength(1)
  })

  it('opens that case although somebody looks at the part before every tick', async () => {
    let cuts = 18_000
    for (let hour = 0; hour < 12 * 24; hour += 0.5) {
      const at = START + hour * 3_600_000
      say(SERIAL, at, 'A')
      say(CUTS, at, BigInt(cuts))
      await wear.itemsOf('pos-1', at)
      await wear.tick(at)
      cuts += 2
    }
    const [item] = await wear.itemsOf('pos-1', START + 12 * DAY)
    expect(item?.orderBy).toBeLessThan(START + 12 * DAY)
    expect(due).toEqual([expect.stringContaining('Service due: cutter of POS 1')])
  })

  it('starts again with another serial number, and the old life stays on record', async () => {
    await live(12, { count: 18_000 })
    await live(12, { from: 12, count: 300, serial: 'B' })
    const [item] = await wear.itemsOf('pos-1', START + 23 * DAY)
    expect(item?.text).toBe('1,400 of 20,000 cuts; 100 a day')
    expect(
      await store.db.selectFrom('part_lives').selectAll().orderBy('id').execute(),
    ).toMatchObject([
      { serial: 'A', last_count: 19_100, ended_at: START + 12 * DAY, failed: 0 },
      { serial: 'B', start_count: 300, ended_at: null },
    ])
    await wear.judge({ login: 'eva' }, { asset: 'pos-1', part: 'cutter', failed: true })
    expect(
      await store.db.selectFrom('part_lives').select('failed').where('serial', '=', 'A').execute(),
    ).toEqual([{ failed: 1 }])
    await expect(
      wear.judge({ login: 'eva' }, { asset: 'pos-1', part: 'drawer', failed: true }),
    ).rejects.toMatchObject({ code: 'request.invalid' })
  })

  it('believes nothing bad: neither a count nor an exchange', async () => {
    await live(12, { count: 100 })
    say(SERIAL, START + 12 * DAY, null, quality.bad)
    say(CUTS, START + 12 * DAY, 5)
    await wear.tick(START + 12 * DAY)
    say(SERIAL, START + 13 * DAY, 'A')
    say(CUTS, START + 13 * DAY, null, quality.bad)
    await wear.tick(START + 13 * DAY)
    expect(await store.db.selectFrom('part_lives').select('last_count').execute()).toEqual([
      { last_count: 1200 },
    ])
  })

  /** Five cutters that failed, at one site each. */
  async function insertFailures(site: string, tenant: string) {
    const own = { id: site, tenant, name: site, time_zone: 'UTC' }
    await store.db.insertInto('sites').values(own).execute()
    for (const [i, count] of [6000, 7000, 8000, 9000, 10_000].entries())
      await store.db
        .insertInto('part_lives')
        .values({
          ...{ asset: `${site}-${i}`, site, kind: 'pos', part: 'cutter', serial: `S${i}` },
          ...{ installed_at: START, start_count: 0, last_at: START, last_count: count },
          ...{ ended_at: START, failed: 1, ordered_at: null },
        })
        .execute()
  }

  it('learns nothing from the failures at another customer', async () => {
    await insertFailures('rival', 'ten_b')
    await live(20, { count: 3000 })
    const [item] = await wear.itemsOf('pos-1', START + 19 * DAY)
    expect(item?.text).toBe('4,900 of 20,000 cuts; 100 a day')
  })

  it('goes by the failures of like parts at the same customer when there are five', async () => {
    await insertFailures('branch', 'ten_a')
    await live(20, { count: 3000 })
    const [item] = await wear.itemsOf('pos-1', START + 19 * DAY)
    expect(item?.text).toContain('by 5 failures of like parts')
    const days = (at: number | null | undefined) => ((at ?? 0) - START) / DAY
    expect(days(item?.end?.early)).toBeLessThan(days(item?.end?.expected))
    expect(days(item?.end?.expected)).toBeGreaterThan(40)
    expect(days(item?.end?.late)).toBeLessThan(100)
  })

  it('asks the historian for each part once an hour, not at each tick, and the store hardly ever', async () => {
    // The first tick sees 250 new parts; two days later they are watched for long enough.
    const { seen } = await watchShops(250, 1)
    expect(seen[0]?.range).toBe(0)
    await store.db.updateTable('part_lives').set({ installed_at: START }).execute()
    const { seen: hour, asked, many, now } = await watchShops(250, 120)
    // Not all at once after a start.
    expect(hour.slice(0, 4).map(({ range }) => range)).toEqual([100, 100, 50, 0])
    expect(asked).toMatchObject({ latest: 120, range: 250 })
    // The parts once, what like parts lived, and 250 rows written once.
    expect(asked.store).toBeLessThan(250 + 5)
    expect(hour.slice(4).every(({ store: queries }) => queries === 0)).toBe(true)
    await many.itemsOf('pos-7', now.at)
    await many.itemsOf('pos-7', now.at)
    expect(asked.range).toBe(251)
  })
})
