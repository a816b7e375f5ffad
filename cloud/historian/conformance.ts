/** The suite every historian passes: order, idempotence, buckets, grids, types, poison, retention. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatTagId, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import type { Historian } from './historian.ts'

/** Opens an empty historian; called for each test. */
export type OpenHistorian = () => Promise<Historian>

/** A tag of a name; all others parts are the same in the suite. */
export function tag(name: string): TagId {
  return formatTagId({ site: 'plant', gateway: 'gw-1', device: 'press', name })
}

/** Noon of a past day: a multiple of no bucket used below, so that alignment is tested too. */
export const T0 = Date.UTC(2026, 0, 15, 12, 0, 0, 123)

/** A good sample at T0 + ms. */
export function sample(name: string, ms: number, value: Value | null, more: Partial<Sample> = {}) {
  return { tag: tag(name), at: T0 + ms, value, quality: quality.good, ...more } satisfies Sample
}

interface Bench {
  historian: Historian
  /** Every stored sample of a name. */
  all(name: string): Promise<Sample[]>
}

/** Registers the whole suite under the historian's name. */
export function describeHistorian(name: string, open: OpenHistorian): void {
  describe(`${name} keeps the historian's promises`, () => {
    const bench = {} as Bench
    beforeEach(async () => {
      const historian = await open()
      bench.historian = historian
      bench.all = (one) => historian.raw(tag(one), 0, T0 + 1e9, 10_000)
    })
    afterEach(async () => await bench.historian[Symbol.asyncDispose]())
    testWrites(bench)
    testValues(bench)
    testPoison(bench)
    testRange(bench)
    testScan(bench)
    testLatestAndRetain(bench)
  })
}

function testWrites(bench: Bench): void {
  it('gives raw samples back in order of time, however they came', async () => {
    const { historian, all } = bench
    await historian.write([sample('a', 300, 3), sample('a', 100, 1)])
    await historian.write([sample('a', 200, 2), sample('b', 150, 9), sample('a', 400, 4)])
    expect((await all('a')).map((one) => one.value)).toEqual([1, 2, 3, 4])
  })

  it('raw takes from inclusive, to exclusive, and stops at the limit', async () => {
    const { historian } = bench
    await historian.write([0, 1, 2, 3, 4].map((n) => sample('a', n, n)))
    const some = await historian.raw(tag('a'), T0 + 1, T0 + 4, 100)
    expect(some.map((one) => one.value)).toEqual([1, 2, 3])
    expect(await historian.raw(tag('a'), T0, T0 + 5, 2)).toHaveLength(2)
  })

  it('stores a sample once, though it comes twice in a batch and again in later ones', async () => {
    const { historian, all } = bench
    const batch = [sample('a', 0, 1.5), sample('b', 0, 2), sample('a', 0, 1.5), sample('a', 10, 3)]
    expect(await historian.write(batch)).toEqual({ committed: 4, rejected: [] })
    expect(await historian.write(batch)).toEqual({ committed: 4, rejected: [] })
    await historian.write([sample('a', 5, 7), ...batch])
    expect((await all('a')).map((one) => one.at - T0)).toEqual([0, 5, 10])
    expect(await all('b')).toHaveLength(1)
  })

  it('takes writes that are started together and keeps all of them', async () => {
    const { historian, all } = bench
    const rounds = Array.from({ length: 8 }, (_, round) =>
      Array.from({ length: 50 }, (_, n) => sample('a', n * 8 + round, n)),
    )
    await Promise.all(rounds.map((batch) => historian.write(batch)))
    const times = (await all('a')).map((one) => one.at - T0)
    expect(times).toEqual(Array.from({ length: 400 }, (_, n) => n))
  })

  it('knows nothing of a tag that was never written', async () => {
    const { historian } = bench
    expect(await historian.raw(tag('nobody'), 0, T0, 10)).toEqual([])
    expect(await historian.latest([tag('nobody')])).toEqual([])
    expect(await historian.range({ tag: tag('nobody'), from: T0, to: T0 + 1, points: 1 })).toEqual(
      [],
    )
    expect(await historian.write([])).toEqual({ committed: 0, rejected: [] })
  })
}

function testValues(bench: Bench): void {
  const values: Record<string, (Value | null)[]> = {
    doubles: [0, -0.1, 1e-300, 1.7976931348623157e308, 2 ** 53, 21.1],
    integers: [0n, 42n, -7n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 64n - 1n],
    booleans: [true, false, true],
    texts: [
      '',
      'läuft',
      '運転中',
      'quote " back \\ end\\',
      "it's",
      'two\nlines, a=b',
      '42',
      'true',
    ],
  }
  for (const [kind, list] of Object.entries(values)) {
    it(`gives ${kind} back exactly as they came, with null between`, async () => {
      const { historian, all } = bench
      const wanted = [...list, null].map((value, n) =>
        sample('v', n, value, value === null ? { quality: quality.bad, status: 0x80350000 } : {}),
      )
      expect((await historian.write(wanted)).rejected).toEqual([])
      expect(await all('v')).toEqual(wanted)
      expect(await historian.latest([tag('v')])).toEqual([wanted.at(-1)])
    })
  }

  const names = [
    'a b',
    'Räume/温度',
    `"quoted" 'single'`,
    'a,b=c',
    'x\\y\\',
    '100 %5C',
    "'; DROP--",
    '🌡',
  ]
  it('keeps tags apart whose names have spaces, quotes, slashes, commas and Unicode', async () => {
    const { historian, all } = bench
    await historian.write(names.map((name, n) => sample(name, n, n)))
    for (const [n, name] of names.entries()) expect(await all(name)).toEqual([sample(name, n, n)])
    const newest = await historian.latest(names.map((name) => tag(name)))
    expect(newest.map((one) => one.tag)).toEqual(names.map((name) => tag(name)))
  })

  it('keeps quality and the raw status beside the value', async () => {
    const { historian, all } = bench
    const odd = sample('a', 1, 5, { quality: quality.stale, status: 0xffff_ffff })
    await historian.write([sample('a', 0, 4), odd])
    expect(await all('a')).toEqual([sample('a', 0, 4), odd])
  })
}

function testPoison(bench: Bench): void {
  const poison: [string, Partial<Sample>][] = [
    ['not a number', { value: Number.NaN }],
    ['infinity', { value: Number.NEGATIVE_INFINITY }],
    ['an integer of 65 bits', { value: 2n ** 64n }],
    ['a text too long', { value: 'x'.repeat(70_000) }],
    ['half a surrogate pair', { value: 'a\ud800' }],
    ['a time of 1970', { at: 0 }],
    ['a time in the year 3000', { at: Date.UTC(3000, 0) }],
    ['a broken time', { at: Number.NaN }],
    ['half a millisecond', { at: T0 + 0.5 }],
    ['a tag without a device', { tag: 'plant/gw' as TagId }],
    ['a tag with a line break', { tag: tag('a\nb') }],
    ['an unknown quality', { quality: 7 as never }],
    ['a negative status', { status: -1 }],
  ]
  it('refuses poison with a reason and stores what stands around it', async () => {
    const { historian, all } = bench
    const bad = poison.map(([, change]) => sample('bad', 1, 1, change))
    const result = await historian.write([sample('a', 0, 1), ...bad, sample('a', 1, 2)])
    expect(result.committed).toBe(2)
    expect(result.rejected.map((one) => one.sample)).toEqual(bad)
    for (const { reason } of result.rejected) expect(reason).toMatch(/\w{3}/)
    expect(await all('a')).toHaveLength(2)
    expect(await all('bad')).toEqual([])
  })

  it('pins the type of a tag by its first value, and a null pins nothing', async () => {
    const { historian, all } = bench
    await historian.write([sample('a', 0, null, { quality: quality.bad }), sample('a', 1, 'text')])
    const mixed = [
      sample('a', 2, 5),
      sample('a', 3, 'more'),
      sample('a', 4, true),
      sample('a', 5, 1n),
    ]
    const result = await historian.write(mixed)
    expect(result.rejected.map((one) => one.sample.at - T0)).toEqual([2, 4, 5])
    expect(result.rejected[0]?.reason).toContain('string')
    expect((await all('a')).map((one) => one.value)).toEqual([null, 'text', 'more'])
  })
}

function testRange(bench: Bench): void {
  it('answers min, mean, max, count and worst quality per bucket and leaves empty ones out', async () => {
    const { historian } = bench
    await historian.write([
      sample('a', 0, 1),
      sample('a', 999, 4),
      sample('a', 1_000, 10),
      sample('a', 1_500, 20, { quality: quality.stale }),
      sample('a', 3_000, 7),
      sample('a', 3_001, null, { quality: quality.bad }),
      sample('a', 3_002, 1_000, { quality: quality.bad }),
      sample('a', 4_000, 99),
    ])
    const buckets = await historian.range({ tag: tag('a'), from: T0, to: T0 + 4_000, points: 4 })
    expect(buckets).toEqual([
      { at: T0, min: 1, mean: 2.5, max: 4, count: 2, quality: quality.good },
      { at: T0 + 1_000, min: 10, mean: 15, max: 20, count: 2, quality: quality.stale },
      { at: T0 + 3_000, min: 7, mean: 7, max: 7, count: 3, quality: quality.bad },
    ])
  })

  it('a bucket of nothing but bad readings has no value but says so', async () => {
    const { historian } = bench
    await historian.write([sample('a', 0, null, { quality: quality.bad })])
    expect(await historian.range({ tag: tag('a'), from: T0, to: T0 + 10, points: 1 })).toEqual([
      { at: T0, min: null, mean: null, max: null, count: 1, quality: quality.bad },
    ])
  })

  it('never answers more buckets than asked for, at any span', async () => {
    const { historian } = bench
    await historian.write(Array.from({ length: 1_000 }, (_, n) => sample('a', n, n)))
    for (const points of [1, 3, 7, 999, 5_000]) {
      const span = { tag: tag('a'), from: T0 - 7, to: T0 + 1_000, points }
      const buckets = await historian.range(span)
      expect(buckets.length).toBeLessThanOrEqual(points)
      expect(buckets.reduce((sum, bucket) => sum + bucket.count, 0)).toBe(1_000)
    }
    expect(await historian.range({ tag: tag('a'), from: T0, to: T0, points: 5 })).toEqual([])
  })

  it('charts booleans as 0 and 1, and texts by their count alone', async () => {
    const { historian } = bench
    const at = { from: T0, to: T0 + 10, points: 1 }
    await historian.write([sample('b', 0, true), sample('b', 1, false), sample('t', 0, 'x')])
    expect(await historian.range({ tag: tag('b'), ...at })).toMatchObject([
      { min: 0, mean: 0.5, max: 1 },
    ])
    expect(await historian.range({ tag: tag('t'), ...at })).toMatchObject([
      { mean: null, count: 1 },
    ])
  })
}

function testScan(bench: Bench): void {
  it('fills the grid with the newest good value within one step, and NaN where there is none', async () => {
    const { historian } = bench
    await historian.write([
      sample('a', -500, 1),
      sample('a', 600, 2),
      sample('a', 900, 3),
      sample('a', 1_000, 4),
      sample('a', 1_001, 5),
      sample('a', 2_500, 6, { quality: quality.stale }),
      sample('a', 4_000, 8),
      sample('b', 0, true),
    ])
    const tags = [tag('b'), tag('a'), tag('nobody')]
    const grid = await historian.scan({ tags, from: T0, to: T0 + 5_000, stepMs: 1_000 })
    expect([...grid.at]).toEqual([0, 1_000, 2_000, 3_000, 4_000].map((ms) => T0 + ms))
    const hole = Number.NaN
    expect(grid.values.map((column) => [...column])).toEqual([
      [1, hole, hole, hole, hole],
      [1, 4, 5, hole, 8],
      [hole, hole, hole, hole, hole],
    ])
  })
}

function testLatestAndRetain(bench: Bench): void {
  it('latest answers the newest sample by its own time, in the order of the tags asked', async () => {
    const { historian } = bench
    await historian.write([sample('a', 5, 2), sample('b', 1, 'x')])
    await historian.write([sample('a', 3, 1)])
    const newest = await historian.latest([tag('b'), tag('nobody'), tag('a')])
    expect(newest).toEqual([sample('b', 1, 'x'), sample('a', 5, 2)])
  })

  it('retain deletes what is older than the policy and nothing else', async () => {
    const { historian, all } = bench
    await historian.write([0, 1_000, 2_000].map((ms) => sample('a', ms, ms)))
    await historian.write([sample('old', 0, 1)])
    expect(await historian.retain({ maxAgeMs: 1_000 }, T0 + 2_000)).toBe(2)
    expect((await all('a')).map((one) => one.at - T0)).toEqual([1_000, 2_000])
    expect(await historian.latest([tag('old')])).toEqual([])
    await historian.write([sample('old', 1_500, 3)])
    expect(await all('old')).toEqual([sample('old', 1_500, 3)])
  })
}
