/** The published metrics on cases that can be counted by hand. */
import { afterEach, expect, test } from 'vitest'
import { baselines } from './baselines.ts'
import { batadalFigures, countRows, skabFigures, tepFigures } from './metrics.ts'
import { findRecordings } from './recordings.ts'

const flags = (text: string) => Array.from(text, (mark) => mark === '1')

test('SKAB adds the counts of all files before it divides', () => {
  const one = countRows(flags('0011'), flags('0111'))
  const two = countRows(flags('1111'), flags('0001'))
  expect(one).toEqual({ truePositive: 2, trueNegative: 1, falsePositive: 1, falseNegative: 0 })
  expect(skabFigures([one, two])).toEqual({ F1: 3 / (3 + (3 + 1) / 2), FAR: 50, MAR: 50 })
})

test('BATADAL: an alarm that is always on scores 0.75, one at half of the only attack in its share', () => {
  const attack = flags('00001111')
  expect(batadalFigures(attack, flags('11111111'))).toMatchObject({ S: 0.75, TNR: 0, detected: 1 })
  const half = batadalFigures(attack, flags('00000011'))
  expect(half).toMatchObject({ TNR: 1, TPR: 0.5, detected: 1 })
  expect(half.S).toBeCloseTo(0.5 * 0.5 + 0.5 * 0.75, 12)
  expect(batadalFigures(attack, flags('00000000'))).toMatchObject({ S: 0.25, detected: 0 })
})

test('Tennessee Eastman: faults 3, 9 and 15 do not count, rows before the fault are false alarms', () => {
  const run = (from: number) => Array.from({ length: 960 }, (_, row) => row >= from)
  const figures = tepFigures(
    new Map([
      [0, run(960)],
      [1, run(160)],
      [2, run(560)],
      [3, run(960)],
      [4, run(90)],
    ]),
  )
  expect(figures).toMatchObject({ faults: 3, FAR: 0 })
  expect(figures.MDR18).toBeCloseTo((0 + 0.5 + 0) / 3, 12)
  expect(figures.FARbeforeFault).toBeCloseTo((100 * 70) / (4 * 140), 12)
})

test('the baselines alarm on rows far outside of the training, and seldom on it', () => {
  const column = (level: number) =>
    Float64Array.from({ length: 300 }, (_, row) => level + Math.sin(row) + Math.sin(row * 2.3))
  const table = (level: number) => ({
    file: 'x',
    names: ['a', 'b'],
    columns: [column(level), column(-level)],
    rows: 300,
  })
  for (const baseline of [baselines.t2q, baselines.isolationForest]) {
    expect(baseline(table(0), table(0)).filter(Boolean).length).toBeLessThan(10)
    expect(baseline(table(0), table(9)).filter(Boolean).length).toBeGreaterThan(295)
  }
})

const saved = process.env.MIMAMORI_BENCH_DATA
afterEach(() => {
  if (saved === undefined) delete process.env.MIMAMORI_BENCH_DATA
  else process.env.MIMAMORI_BENCH_DATA = saved
})

test('recordings that are not there are nowhere, not an error', () => {
  process.env.MIMAMORI_BENCH_DATA = '/no/such/folder'
  expect(findRecordings()).toBeUndefined()
})
