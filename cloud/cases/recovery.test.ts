/** When a recovery counts as shown, second by second. */
import { describe, expect, it } from 'vitest'
import { quality } from '../../protocol/model.ts'
import { applyRatio, heldMs, initialRecovery } from './recovery.ts'

const HOLD_MS = 20_000
const T0 = 1_000_000

function run(
  points: [second: number, value: number | null][],
  start = initialRecovery(),
  holeMs?: number,
) {
  let memory = start
  const changes: string[] = []
  for (const [second, value] of points) {
    const sample = {
      at: T0 + second * 1_000,
      value,
      quality: value === null ? quality.bad : quality.good,
    }
    const applied = applyRatio(memory, sample, { holdMs: HOLD_MS, holeMs })
    memory = applied.memory
    if (applied.change) changes.push(`${applied.change}@${second}`)
  }
  return { changes, memory }
}

const constant = (value: number | null, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index): [number, number | null] => [
    from + index,
    value,
  ])

describe('the recovery', () => {
  it('holds at the pace of a slow model, whose pauses are no holes', () => {
    const points: [number, number][] = [0, 300, 600].map((second) => [second, 0.5])
    expect(run(points).changes).toEqual([])
    expect(run(points, initialRecovery(), 900_000).changes).toEqual(['held@300'])
  })

  it('is seen from now on when the case was opened while the clock was ahead', () => {
    const ahead = { ...initialRecovery(), lastAt: T0 + 3_600_000 }
    expect(run(constant(0.5, 0, 40), ahead).changes).toEqual(['held@20'])
    const lost = { ...initialRecovery(true), lastAt: T0 + 3_600_000 }
    expect(run(constant(2, 0, 10), lost).changes).toEqual(['relapsed@5'])
    const late = { ...initialRecovery(), lastAt: T0 + 50_000 }
    expect(run(constant(0.5, 0, 49), late).changes).toEqual([])
  })

  it('has held when the ratio was below 1 for the whole hold time', () => {
    expect(run(constant(0.5, 0, 19)).changes).toEqual([])
    expect(run(constant(0.5, 0, 40)).changes).toEqual(['held@20'])
  })

  it('starts afresh after any ratio that is not below 1, or not known', () => {
    for (const breaker of [1, 3, null]) {
      const points = [
        ...constant(0.5, 0, 15),
        ...constant(breaker, 16, 16),
        ...constant(0.5, 17, 40),
      ]
      expect(run(points).changes).toEqual(['held@37'])
    }
  })

  it('starts afresh after a hole in the data', () => {
    expect(
      run([
        [0, 0.5],
        [90, 0.5],
        [100, 0.5],
      ]).changes,
    ).toEqual([])
  })

  it('is lost when the ratio stays up, not by one row', () => {
    const start = initialRecovery(true)
    expect(run([[0, 5], [1, 0.5], ...constant(5, 2, 6)], start).changes).toEqual([])
    expect(run(constant(5, 0, 10), start).changes).toEqual(['relapsed@5'])
  })

  it('tells how long it has held so far', () => {
    expect(heldMs(run(constant(0.5, 0, 7)).memory)).toBe(7_000)
    expect(heldMs(run([...constant(0.5, 0, 7), [8, 2]]).memory)).toBe(0)
  })
})
