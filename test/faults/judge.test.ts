/** The oracle itself: what it lets pass, and what not. */
import { expect, test } from 'vitest'
import { quality } from '../../protocol/model.ts'
import { countTag, findMissing, judgeSamples, type StoredSample } from './judge.ts'

/** The device told each integer at its hundredfold. */
const told = Array.from({ length: 20 }, (_, i) => ({ value: i + 1, at: (i + 1) * 100, monoMs: 0 }))
const good = (value: number, at = value * 100 + 2): StoredSample => {
  return { tag: countTag, at, value: String(value), quality: quality.good, historical: false }
}
const bad = (at: number): StoredSample => {
  return { tag: countTag, at, value: null, quality: quality.bad, historical: false }
}
const run = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => good(first + i))
const gap = (from: number, to: number) => {
  return { gateway: 'gw1', from, to, reason: 'gateway-down' as const }
}
const unexplained = (samples: readonly StoredSample[], gaps = [] as ReturnType<typeof gap>[]) =>
  findMissing(samples, { told, gaps }).unexplained

test('what nobody told of is lost, the very first integers too', () => {
  expect(unexplained([...run(3, 9), ...run(12, 20)])).toEqual([1, 2, 10, 11])
})

test('a gap explains what was told within it, not what was told beside it', () => {
  const samples = [...run(1, 9), ...run(13, 20)]
  expect(unexplained(samples, [gap(1000, 1201)])).toEqual([])
  expect(unexplained(samples, [gap(1001, 1200)])).toEqual([10, 12])
})

test('a bad mark explains from its own time to the next good reading, not what lies before or behind', () => {
  expect(unexplained([...run(1, 9), bad(903), ...run(13, 20)])).toEqual([])
  expect(unexplained([...run(1, 9), bad(1001), ...run(13, 20)])).toEqual([10])
  expect(unexplained([...run(1, 9), bad(903), good(10), ...run(13, 20)])).toEqual([11, 12])
})

test('a stale mark explains nothing: what was acquired meanwhile must still come', () => {
  const stale = { ...bad(903), value: '9', quality: quality.stale }
  expect(unexplained([...run(1, 9), stale, ...run(11, 20)])).toEqual([10])
})

test('a reading with the time of another, one stored twice and one never told are found', () => {
  const judged = (samples: StoredSample[]) =>
    judgeSamples(samples, { told, gaps: [], staleMarks: [] })
  expect(judged(run(1, 20))).toMatchObject({ lost: 0, duplicated: 0, failed: [], stored: 20 })
  expect(judged([...run(1, 20), good(7, 777)]).duplicated).toBe(1)
  expect(judged([...run(1, 19), good(20, 1500)]).failed).toEqual([
    '1 readings with the time of another',
  ])
  expect(judged([...run(1, 20), good(99)]).failed).toContain('1 values the device never told')
})
