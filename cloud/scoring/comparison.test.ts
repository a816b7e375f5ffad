/** Two versions on the same rows, and inputs that drift: what is counted, what is not, and when somebody is told. */
import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../models/manifest.ts'
import { createComparisons } from './comparison.ts'
import { createDriftWatch } from './drift-watch.ts'
import type { ScoringResult } from './result.ts'

const rule = () => ({ onDelayMs: 5000, offDelayMs: 10_000, peakClear: 0 })

const result = (model: string, second: number, ratio: number | undefined): ScoringResult => ({
  ...{ asset: 'press', model, stage: 'active', isPrimary: model === 'old', at: second * 1000 },
  ...{ state: ratio === undefined ? 'unknown' : 'scored', ratio, row: new Float32Array([1]) },
  ...{ contributions: [], breaches: [], samples: [] },
})

describe('a comparison', () => {
  it('counts the rows both know, how often they agree, and the alarms each would have raised', () => {
    const comparisons = createComparisons()
    for (let second = 1; second <= 60; second++) {
      const isFault = second > 20 && second <= 40
      const young = second === 50 ? undefined : isFault ? 3 : 0.5
      comparisons.accept([result('old', second, 0.5), result('new', second, young)], {
        ruleOf: rule,
      })
    }
    expect(comparisons.of('press')).toEqual([
      {
        ...{ active: 'old', other: 'new', since: 1000, rows: 59, agreement: 39 / 59 },
        ...{ activeAlarms: 0, otherAlarms: 1 },
      },
    ])
    expect(comparisons.of('twin')).toEqual([])
  })

  it('counts no row of planned maintenance, and no delay that began before it', () => {
    const comparisons = createComparisons()
    const isInWork = ({ at }: { at: number }) => at > 20_000 && at <= 40_000
    for (let second = 1; second <= 60; second++) {
      const isLoud = second > 18 && second <= 43
      const about = { ruleOf: rule, isInWork }
      const young = result('new', second, isLoud ? 3 : 0.5)
      comparisons.accept([result('old', second, 0.5), young], about)
    }
    expect(comparisons.of('press')).toMatchObject([
      { rows: 40, agreement: 35 / 40, activeAlarms: 0, otherAlarms: 0 },
    ])
  })

  it('starts afresh when one of the two is gone', () => {
    const comparisons = createComparisons()
    comparisons.accept([result('old', 1, 0.5), result('new', 1, 0.5)], { ruleOf: rule })
    comparisons.keep(new Set(['old']))
    expect(comparisons.of('press')).toEqual([])
  })
})

const manifest = {
  tags: [{ name: 'heat', mean: 10, scale: 1 }],
  periodMs: 1000,
  drift: { blockRows: 60, wander: [0.2] },
} as unknown as Manifest

/** Rows of one value, all with this ratio; answers who was told to drift. */
function feed(
  watch: ReturnType<typeof createDriftWatch>,
  { from, rows, value, ratio }: { from: number; rows: number; value: number; ratio: number },
): string[] {
  const told: string[] = []
  for (let second = from; second < from + rows; second++) {
    const one = { ...result('old', second, ratio), row: new Float32Array([value]) }
    told.push(...watch.accept([one], () => manifest))
  }
  return told
}

describe('the watch for drift', () => {
  it('tells once that the inputs moved to another normal, since when, and which tags', () => {
    const watch = createDriftWatch()
    expect(feed(watch, { from: 0, rows: 120, value: 10, ratio: 0.5 })).toEqual([])
    expect(watch.of('press')).toMatchObject({ state: 'none', since: null })
    expect(feed(watch, { from: 120, rows: 240, value: 13, ratio: 0.7 })).toEqual(['press'])
    expect(watch.of('press')).toMatchObject({ state: 'drift', since: 120_000 })
    expect(watch.of('press')?.tags).toEqual([{ name: 'heat', shift: 3 }])
    expect(watch.of('press')?.text).toContain('train again')
    feed(watch, { from: 360, rows: 60, value: 10, ratio: 0.5 })
    expect(watch.of('press')?.state).toBe('none')
  })

  it('leaves to the alarm what breaks the relations, and knows nothing before there are rows', () => {
    const watch = createDriftWatch()
    expect(watch.of('press')).toBeUndefined()
    feed(watch, { from: 0, rows: 30, value: 10, ratio: 0.5 })
    expect(watch.of('press')?.state).toBe('unknown')
    expect(feed(watch, { from: 30, rows: 300, value: 15, ratio: 9 })).toEqual([])
    expect(watch.of('press')?.state).toBe('none')
    expect(watch.of('press')?.text).toContain('alarm')
  })
})
