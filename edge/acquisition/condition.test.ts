/** Conditioning: what is emitted, with which value, quality and time; no clock but the arguments. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quality, type Sample, type Value } from '../../protocol/model.ts'
import {
  checkSilence,
  conditionSample,
  createTagState,
  fitType,
  MAX_AHEAD_MS,
  markLost,
  type Rule,
  repairAt,
  type TagState,
} from './condition.ts'

const NOW = 1_800_000_000_000
const tag = 's/g/d/Level'
const plain: Rule = { type: 'Double', maxSilenceMs: 60_000, staleAfterMs: 3000 }

function reading(value: Value | null, more: Partial<Sample> = {}): Sample {
  return { tag, at: NOW, value, quality: value === null ? quality.bad : quality.good, ...more }
}

/** Feeds readings one second apart and gives what was emitted for each. */
function feed(values: readonly (Value | null)[], rule: Rule = plain): (Sample | undefined)[] {
  let state: TagState = createTagState(0)
  return values.map((value, i) => {
    const clocks = { wallMs: NOW + i * 1000, monoMs: i * 1000 }
    const raw = reading(value, { at: clocks.wallMs })
    const step = conditionSample(state, raw, { rule, clocks })
    state = step.state
    return step.emit
  })
}

const shown = (samples: readonly (Sample | undefined)[]) => samples.map((it) => it?.value)

describe('value', () => {
  test('raw × scale + offset, and beyond the limits it is bad without a value', () => {
    const rule = { ...plain, scale: 0.1, offset: -40, min: -40, max: 60 }
    const [low, high, beyond] = feed([0, 1000, 1001], rule)
    expect(low).toMatchObject({ value: -40, quality: quality.good })
    expect(high).toMatchObject({ value: 60, quality: quality.good })
    expect(beyond).toMatchObject({ value: null, quality: quality.bad })
  })

  test('NaN and the infinities are bad, whatever the driver thought of them', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(feed([value])[0]).toMatchObject({ value: null, quality: quality.bad })
    }
  })

  test('a value takes the type of its tag, or has none where it does not fit', () => {
    expect(fitType(70_000, 'UInt16')).toBeNull()
    expect(fitType(-1, 'UInt32')).toBeNull()
    expect(fitType(3.6, 'Int32')).toBe(4)
    expect(fitType(5, 'Int64')).toBe(5n)
    expect(fitType(9_007_199_254_740_993n, 'Int64')).toBe(9_007_199_254_740_993n)
    expect(fitType(1n << 63n, 'Int64')).toBeNull()
    expect(fitType(1, 'Boolean')).toBe(true)
    expect(fitType(true, 'Int8')).toBe(1)
    expect(fitType('12', 'Double')).toBeNull()
    expect(fitType(1e300, 'Float')).toBeNull()
  })
})

describe('report by exception', () => {
  test('changes inside the deadband are swallowed until they add up from the last reported value', () => {
    expect(shown(feed([10, 10.4, 10.9, 11, 10.2], { ...plain, deadband: 1 }))).toEqual([
      10,
      undefined,
      undefined,
      11,
      undefined,
    ])
  })

  test('without a deadband an equal value is swallowed and any change is told', () => {
    expect(shown(feed([1, 1, 1.000001, 1]))).toEqual([1, undefined, 1.000001, 1])
    expect(shown(feed(['a', 'a', 'b'], { ...plain, type: 'String' }))).toEqual([
      'a',
      undefined,
      'b',
    ])
  })

  test('an unchanged value is repeated after the maximum silence', () => {
    const emitted = shown(feed([5, 5, 5, 5, 5, 5, 5], { ...plain, maxSilenceMs: 3000 }))
    expect(emitted).toEqual([5, undefined, undefined, 5, undefined, undefined, 5])
  })

  test('a change of quality is always told, the same bad quality once', () => {
    expect(shown(feed([1, null, null, 1]))).toEqual([1, null, undefined, 1])
  })
})

describe('staleness', () => {
  const good = conditionSample(createTagState(0), reading(5), {
    rule: plain,
    clocks: { wallMs: NOW, monoMs: 0 },
  }).state
  const later = (ms: number) => ({ wallMs: NOW + ms, monoMs: ms })

  test('after three intervals without a reading the last value is stale, once, and heals', () => {
    expect(checkSilence(good, plain, later(3000)).emit).toBeUndefined()
    const stale = checkSilence(good, plain, later(3001))
    expect(stale.emit).toMatchObject({ value: 5, quality: quality.stale, at: NOW + 3001 })
    expect(checkSilence(stale.state, plain, later(9000)).emit).toBeUndefined()
    const back = conditionSample(stale.state, reading(5, { at: NOW + 9500 }), {
      rule: plain,
      clocks: later(9500),
    })
    expect(back.emit).toMatchObject({ value: 5, quality: quality.good })
  })

  test('a jump of the wall clock makes nothing stale', () => {
    const jumped = { wallMs: NOW + 86_400_000, monoMs: 1000 }
    expect(checkSilence(good, plain, jumped).emit).toBeUndefined()
  })

  test('a subscribed tag is never stale by calm, it is repeated', () => {
    const pushed: Rule = { ...plain, staleAfterMs: undefined }
    expect(checkSilence(good, pushed, later(59_999)).emit).toBeUndefined()
    expect(checkSilence(good, pushed, later(60_000)).emit).toMatchObject({
      value: 5,
      quality: quality.good,
      at: NOW + 60_000,
    })
  })

  test('a tag whose device is gone is bad once and silent until it is read again', () => {
    const lost = markLost(good, tag, later(100))
    expect(lost.emit).toMatchObject({ value: null, quality: quality.bad })
    expect(checkSilence(lost.state, plain, later(99_000)).emit).toBeUndefined()
  })
})

describe('time', () => {
  test('the time of the source is kept, even when it is days behind', () => {
    expect(repairAt(NOW - 86_400_000, undefined, NOW)).toBe(NOW - 86_400_000)
    expect(repairAt(NOW + MAX_AHEAD_MS, undefined, NOW)).toBe(NOW + MAX_AHEAD_MS)
  })

  test('a clock that was never set, or runs far ahead, is replaced by our own', () => {
    for (const at of [0, 86_400_000, NOW + MAX_AHEAD_MS + 1, Number.NaN]) {
      expect(repairAt(at, undefined, NOW)).toBe(NOW)
    }
  })

  test('whatever the source clock does, the times of one tag strictly rise and no sample is lost', () => {
    const instant = fc.oneof(
      fc.integer({ min: NOW - 5000, max: NOW + 5000 }),
      fc.integer({ min: -1, max: 2 * NOW }),
      fc.constant(Number.NaN),
    )
    fc.assert(
      fc.property(fc.array(instant, { maxLength: 50 }), (instants) => {
        let state = createTagState(0)
        let last = Number.NEGATIVE_INFINITY
        for (const [i, at] of instants.entries()) {
          const clocks = { wallMs: NOW + i, monoMs: i }
          const step = conditionSample(state, reading(i, { at }), { rule: plain, clocks })
          state = step.state
          expect(step.emit?.value).toBe(i)
          expect(step.emit?.at).toBeGreaterThan(last)
          last = step.emit?.at ?? Number.NaN
        }
      }),
    )
  })
})
