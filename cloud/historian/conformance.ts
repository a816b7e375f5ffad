/** The suite every historian passes: order, idempotence, buckets, grids, types, poison, retention. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import { testLatestAndRetain, testRange, testScan } from './conformance-queries.ts'
import { type Bench, sample, T0, tag } from './conformance-samples.ts'
import type { Historian } from './historian.ts'

/** Opens an empty historian; called for each test. */
export type OpenHistorian = () => Promise<Historian>

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

  it('lets a late reading take the place of a stale mark of its instant, in later batches and in one', async () => {
    const { historian, all } = bench
    const mark = (n: number) => ({ ...sample('cut', n, 1), quality: quality.stale })
    await historian.write([mark(1), mark(2)])
    await historian.write([sample('cut', 1, 2)])
    await historian.write([mark(3), sample('cut', 3, 3)])
    const stored = (await all('cut')).map((one) => [one.at - T0, one.value, one.quality])
    expect(stored).toEqual([
      [1, 2, quality.good],
      [2, 1, quality.stale],
      [3, 3, quality.good],
    ])
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
