/** Conditioning: what is emitted, with which value, quality and time; no clock but the arguments. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dataTypes, quality, type Sample, type Value } from '../../protocol/model.ts'
import {
  checkSilence,
  createTagState,
  MAX_AHEAD_MS,
  markLost,
  type Rule,
  repairAt,
  silenceDueMs,
  takeReading,
} from './condition.ts'
import { createFit, fitType, fitValue } from './fit-value.ts'

const NOW = 1_800_000_000_000
const tag = 's/g/d/Level'
const plain: Rule = { type: 'Double', maxSilenceMs: 60_000, staleAfterMs: 3000 }

function reading(value: Value | null, more: Partial<Sample> = {}): Sample {
  return { tag, at: NOW, value, quality: value === null ? quality.bad : quality.good, ...more }
}

/** Feeds readings one second apart and gives what was emitted for each. */
function feed(values: readonly (Value | null)[], rule: Rule = plain): (Sample | undefined)[] {
  const state = createTagState(tag, rule, 0)
  return values.map((value, i) => {
    const clocks = { wallMs: NOW + i * 1000, monoMs: i * 1000 }
    return takeReading(state, reading(value, { at: clocks.wallMs }), clocks)
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

  test('a text is no Boolean: "false" must not read as true', () => {
    for (const text of ['false', 'off', '0', 'true', ''])
      expect(fitType(text, 'Boolean')).toBeNull()
  })

  test('the mark of a broken sensor has no value in any type', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const type of dataTypes) expect(fitType(value, type)).toBeNull()
    }
  })

  test('whole numbers beyond 2^53 are scaled exactly, a switch as 0 and 1', () => {
    const big = 9_007_199_254_740_993n
    const rule = { ...plain, type: 'Int64' } as const
    expect(shown(feed([big], { ...rule, scale: 1 }))).toEqual([big])
    expect(shown(feed([big], { ...rule, scale: 10, offset: -3 }))).toEqual([big * 10n - 3n])
    expect(shown(feed([1n << 62n], { ...rule, scale: 2 }))).toEqual([null])
    expect(shown(feed([true, false], { ...plain, scale: 10, offset: 1 }))).toEqual([11, 1])
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

describe('the short way of numbers', () => {
  const number = fc.oneof(
    fc.double(),
    fc.integer({ min: -70_000, max: 70_000 }),
    fc.constantFrom(-0, 2 ** 31, 2 ** 32 - 1, 3.4028234663852886e38, 3.5e38),
  )

  test('gives what the long one gives, whatever the type and the limits', () => {
    const rule = fc.record(
      { type: fc.constantFrom(...dataTypes), min: number, max: number, scale: fc.constant(0.1) },
      { requiredKeys: ['type'] },
    )
    fc.assert(
      fc.property(number, rule, (raw, it) => {
        const fit = createFit(it)
        const long = fitValue(raw, it, { ...fit, low: 1, high: 0 })
        expect(fitValue(raw, it, fit)).toBe(long)
      }),
    )
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
  /** Read once, good, at the instant 0. */
  const good = (rule: Rule = plain) => {
    const state = createTagState(tag, rule, 0)
    takeReading(state, reading(5), later(0))
    return state
  }
  const later = (ms: number) => ({ wallMs: NOW + ms, monoMs: ms })

  test('after three intervals without a reading the last value is stale, once, and heals', () => {
    const state = good()
    expect(checkSilence(state, later(3000))).toBeUndefined()
    const stale = checkSilence(state, later(3001))
    expect(stale).toMatchObject({ value: 5, quality: quality.stale, at: NOW + 1 })
    expect(checkSilence(state, later(9000))).toBeUndefined()
    const back = takeReading(state, reading(5, { at: NOW + 9500 }), later(9500))
    expect(back).toMatchObject({ value: 5, quality: quality.good })
  })

  test('a jump of the wall clock makes nothing stale', () => {
    const jumped = { wallMs: NOW + 86_400_000, monoMs: 1000 }
    expect(checkSilence(good(), jumped)).toBeUndefined()
  })

  test('a subscribed tag is never stale by calm, it is repeated as of the last sign of life', () => {
    const state = good({ ...plain, staleAfterMs: undefined })
    expect(checkSilence(state, later(59_999), 59_999)).toBeUndefined()
    expect(checkSilence(state, later(64_000), 60_001)).toMatchObject({
      value: 5,
      quality: quality.good,
      at: NOW + 60_001,
    })
  })

  test('on a line that is mute a subscribed tag is not repeated: nobody knows whether it still stands', () => {
    const state = good({ ...plain, staleAfterMs: undefined })
    expect(checkSilence(state, later(61_000), 59_999)).toBeUndefined()
    expect(checkSilence(state, later(900_000), 59_999)).toBeUndefined()
  })

  test('a tag whose device is gone is bad once and silent until it is read again', () => {
    const state = good()
    expect(markLost(state, { ...later(100), sinceMs: 100 })).toMatchObject({
      value: null,
      quality: quality.bad,
    })
    expect(checkSilence(state, later(99_000))).toBeUndefined()
  })

  test('nothing is said before the instant that was named as the earliest', () => {
    const rules = [plain, { ...plain, staleAfterMs: undefined, maxSilenceMs: 700 }]
    const steps = fc.array(fc.tuple(fc.nat(5000), fc.constantFrom('read', 'bad', 'lost', 'check')))
    fc.assert(
      fc.property(fc.constantFrom(...rules), steps, (rule, all) => {
        const state = createTagState(tag, rule, 0)
        let ms = 0
        for (const [pauseMs, what] of all) {
          const dueMs = silenceDueMs(state)
          ms += pauseMs
          if (what === 'lost') markLost(state, { ...later(ms), sinceMs: ms })
          else if (what !== 'check')
            takeReading(state, reading(what === 'bad' ? null : ms), later(ms))
          else if (checkSilence(state, later(ms), ms)) expect(ms).toBeGreaterThanOrEqual(dueMs)
        }
      }),
    )
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

  test('a last time told by a clock that was put back since does not hold the present in the future', () => {
    expect(repairAt(NOW, NOW + 10_800_000, NOW)).toBe(NOW)
    expect(repairAt(NOW, NOW + 5000, NOW)).toBe(NOW + 5001)
  })

  test('whatever the source clock does, the times of one tag strictly rise and no sample is lost', () => {
    const instant = fc.oneof(
      fc.integer({ min: NOW - 5000, max: NOW + 5000 }),
      fc.integer({ min: -1, max: 2 * NOW }),
      fc.constant(Number.NaN),
    )
    fc.assert(
      fc.property(fc.array(instant, { maxLength: 50 }), (instants) => {
        const state = createTagState(tag, plain, 0)
        let last = Number.NEGATIVE_INFINITY
        for (const [i, at] of instants.entries()) {
          const clocks = { wallMs: NOW + i, monoMs: i }
          const told = takeReading(state, reading(i, { at }), clocks)
          expect(told?.value).toBe(i)
          expect(told?.at).toBeGreaterThan(last)
          last = told?.at ?? Number.NaN
        }
      }),
    )
  })
})
