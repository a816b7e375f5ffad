/** What a trend shows of its data: newest samples, gaps, and stretches of poor quality. */
import { describe, expect, it } from 'vitest'
import { breakGaps, joinTrend, pickRows, pointAt, poorSpans, type Series } from './trend.ts'

const history: Series = {
  tag: 'plant/gw/press/Pressure',
  unit: 'bar',
  at: [1_000, 2_000, 3_000, 4_000],
  min: [1, 1, 1, 1],
  mean: [2, 2, 2, 2],
  max: [3, 3, 3, 3],
  quality: [192, 192, 500, 500],
}
const sample = (at: number, value: number | boolean | string | null) => ({
  tag: history.tag,
  at,
  value,
  quality: value === null ? 0 : 192,
})

describe('a trend', () => {
  it('goes on with live samples and ignores those the history already has', () => {
    const trend = joinTrend(history, [sample(3_500, 9), sample(4_000, 9), sample(5_000, 7)])
    expect(trend.at).toEqual([1_000, 2_000, 3_000, 4_000, 5_000])
    expect(trend.mean.at(-1)).toBe(7)
    expect(trend.min.at(-1)).toBe(7)
  })

  it('draws booleans as 0 and 1, 64-bit integers as numbers, and other text as nothing', () => {
    const trend = joinTrend(undefined, [
      sample(1, true),
      sample(2, '9007199254740993'),
      sample(3, 'open'),
    ])
    expect(trend.mean).toEqual([1, 9007199254740992, null])
  })

  it('breaks the line where points are missing for longer than usual', () => {
    const at = [0, 1_000, 2_000, 3_000, 60_000, 61_000]
    const even = at.map(() => 1)
    const broken = breakGaps({ at, min: even, mean: even, max: even, quality: at.map(() => 192) })
    expect(broken.mean).toEqual([1, 1, 1, 1, null, 1, 1])
    expect(poorSpans(broken)).toEqual([{ from: 3_001, to: 60_000, kind: 'gap' }])
  })

  it('does not break the line of a tag that is merely slow', () => {
    const at = [0, 30_000, 60_000, 90_000]
    const even = at.map(() => 1)
    const broken = breakGaps({ at, min: even, mean: even, max: even, quality: at.map(() => 192) })
    expect(broken.at).toEqual(at)
  })

  it('names stale stretches so that they can be shaded', () => {
    expect(poorSpans(joinTrend(history, [sample(5_000, 2)]))).toEqual([
      { from: 3_000, to: 5_000, kind: 'stale' },
    ])
  })

  it('finds the point under an instant', () => {
    const trend = joinTrend(history, [])
    expect(pointAt(trend, 2_500)).toBe(1)
    expect(pointAt(trend, 500)).toBeUndefined()
  })

  it('picks few rows for a table, evenly, the newest among them', () => {
    const trend = joinTrend(history, [sample(5_000, 7)])
    expect(pickRows(trend, 3).map(({ at }) => at)).toEqual([1_000, 3_000, 5_000])
    expect(pickRows(trend, 3).at(-1)).toEqual({ at: 5_000, min: 7, mean: 7, max: 7 })
    expect(pickRows(joinTrend(undefined, []), 3)).toEqual([])
  })
})
