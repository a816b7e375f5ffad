/** The part of the historians' conformance suite that asks: buckets, grids, the newest, retention. */
import { expect, it } from 'vitest'
import { quality } from '../../protocol/model.ts'
import { type Bench, sample, T0, tag } from './conformance-samples.ts'

export function testRange(bench: Bench): void {
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

export function testScan(bench: Bench): void {
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

export function testLatestAndRetain(bench: Bench): void {
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
