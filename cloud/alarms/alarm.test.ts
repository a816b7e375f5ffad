/** When the pure alarm is raised and cleared, second by second. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quality } from '../../protocol/model.ts'
import { type AlarmMemory, applySample, initialAlarm } from './alarm.ts'
import { limitsOf } from './alarm-rule.ts'

const limits = {
  ...{ highLimit: 1, onDelayMs: 5_000, offDelayMs: 10_000 },
  ...{ peakClear: 0.1, maxHoleMs: 60_000 },
}
const T0 = 1_000_000

type Point = [second: number, value: number | null]

/** Runs the points through the machine; answers each change with its second. */
function run(points: Point[], start = initialAlarm): { changes: string[]; memory: AlarmMemory } {
  let memory = start
  const changes: string[] = []
  for (const [second, value] of points) {
    const sample = {
      at: T0 + second * 1_000,
      value,
      quality: value === null ? quality.bad : quality.good,
    }
    const applied = applySample(memory, sample, limits)
    memory = applied.memory
    if (applied.change) changes.push(`${applied.change}@${second}`)
  }
  return { changes, memory }
}

const constant = (value: number, from: number, to: number): Point[] =>
  Array.from({ length: to - from + 1 }, (_, index) => [from + index, value])

describe('an alarm', () => {
  it('is raised when the limit is exceeded for the on-delay, by the time of the data', () => {
    expect(run(constant(1.5, 0, 4)).changes).toEqual([])
    expect(run(constant(1.5, 0, 9)).changes).toEqual(['activate@5'])
  })

  it('is not raised at the limit itself, nor by peaks shorter than the on-delay', () => {
    expect(run(constant(1, 0, 60)).changes).toEqual([])
    const spikes: Point[] = Array.from({ length: 60 }, (_, s) => [s, s % 5 === 0 ? 0.5 : 9])
    expect(run(spikes).changes).toEqual([])
  })

  it('clears after the off-delay below the limit', () => {
    const points = [...constant(2, 0, 10), ...constant(0.9, 11, 30)]
    expect(run(points).changes).toEqual(['activate@5', 'clear@21'])
  })

  it('clears below a tenth of its peak, and its tail raises nothing for as long as it had lasted', () => {
    const points = [...constant(50, 0, 10), ...constant(4, 11, 60)]
    expect(run(points).changes).toEqual(['activate@5', 'clear@21', 'activate@43'])
    const mended = [...constant(50, 0, 10), ...constant(4, 11, 30), ...constant(0.5, 31, 60)]
    expect(run(mended).changes).toEqual(['activate@5', 'clear@21'])
  })

  it('is raised again when the tail of the trouble grows beyond what counted as over', () => {
    const points = [...constant(50, 0, 10), ...constant(4, 11, 30), ...constant(6, 31, 40)]
    expect(run(points).changes).toEqual(['activate@5', 'clear@21', 'activate@36'])
  })

  it('is neither raised nor cleared by values that are not known, and says so', () => {
    const unknown = (from: number, to: number): Point[] =>
      constant(0, from, to).map(([s]) => [s, null])
    expect(run(unknown(0, 60)).changes).toEqual([])
    const raised = run([...constant(2, 0, 10), ...unknown(11, 60)])
    expect(raised.changes).toEqual(['activate@5'])
    expect(raised.memory).toMatchObject({ persistence: { active: true }, uncertain: true })
    expect(run(constant(2, 61, 61), raised.memory).memory.uncertain).toBe(false)
  })

  it('does not count a stale value, NaN or text as known', () => {
    for (const sample of [
      { at: T0, value: 5, quality: quality.stale },
      { at: T0, value: Number.NaN, quality: quality.good },
      { at: T0, value: '5', quality: quality.good },
    ]) {
      expect(applySample(initialAlarm, sample, limits).memory.uncertain).toBe(true)
    }
  })

  it('does not take a hole in the data for a continuous condition', () => {
    expect(
      run([
        [0, 5],
        [100, 5],
        [103, 5],
      ]).changes,
    ).toEqual([])
    expect(
      run([
        [0, 5],
        [30, 5],
      ]).changes,
    ).toEqual(['activate@30'])
  })

  it('of a slow model takes its own pace for continuous', () => {
    const timing = { onDelayMs: 5_000, offDelayMs: 10_000, peakClear: 0, periodMs: 300_000 }
    const slow = { highLimit: 1, ...limitsOf(timing) }
    let memory = initialAlarm
    const active = [0, 300, 600].map((second) => {
      const sample = { at: T0 + second * 1_000, value: 3, quality: quality.good }
      memory = applySample(memory, sample, slow).memory
      return memory.persistence.active
    })
    expect(active).toEqual([false, true, true])
  })

  it('is raised and cleared by a clock that was a day ahead and was set right, as by any other', () => {
    const day = 86_400
    const ahead = constant(0.5, day, day + 10)
    expect(run([...ahead, ...constant(2, 0, 10)]).changes).toEqual(['activate@5'])
    const hot = [...constant(9, day, day + 10), ...constant(0.5, day + 11, day + 12)]
    expect(run([...hot, ...constant(0.5, 0, 10)]).changes).toEqual([
      `activate@${day + 5}`,
      'clear@10',
    ])
    const rung = [...constant(50, day, day + 10), ...constant(4, day + 11, day + 22)]
    expect(run([...rung, ...constant(3, 0, 5)]).changes.at(-1)).toBe('activate@5')
  })

  it('ignores samples older than the newest it has seen', () => {
    expect(
      run([
        [10, 0.5],
        [0, 9],
        [5, 9],
        [9, 9],
      ]).changes,
    ).toEqual([])
  })

  it('whatever comes, changes alternate and only good values make them', () => {
    const value = fc.option(fc.double({ min: 0, max: 100, noNaN: true }))
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (values) => {
        const { changes } = run(values.map((one, second) => [second, one]))
        changes.forEach((change, index) => {
          const [kind, second] = change.split('@')
          expect(kind).toBe(index % 2 === 0 ? 'activate' : 'clear')
          expect(values[Number(second)]).not.toBeNull()
        })
      }),
    )
  })
})
