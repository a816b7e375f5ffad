/** The features of a life, the interval and the trend, against figures worked out by hand. */
import { expect, test } from 'vitest'
import { findTrend } from './health-index.ts'
import { createFeatures, nameFeatures } from './life-features.ts'
import { createLifeInput } from './life-input.ts'
import { createInterval, interpolate } from './life-interval.ts'

const createLife = (values: readonly number[]) => ({
  unit: 'u',
  count: values.length,
  width: 1,
  values: Float64Array.from(values),
})

function measure(values: readonly number[]): Record<string, number> {
  const features = createFeatures(createLife(values), 1)
  return Object.fromEntries(nameFeatures(['x']).map((name, i) => [name, features[i] ?? 0]))
}

test('a straight line has its means, its slope, its spread and its start', () => {
  const found = measure(Array.from({ length: 100 }, (_, i) => 5 + 2 * i))
  expect(found['mean10(x)']).toBeCloseTo(5 + 2 * 94.5, 9)
  expect(found['mean30(x)']).toBeCloseTo(5 + 2 * 84.5, 9)
  expect(found['mean80(x)']).toBeCloseTo(5 + 2 * 59.5, 9)
  expect(found['slope80(x)']).toBeCloseTo(2, 9)
  expect(found['spread30(x)']).toBeCloseTo(2 * Math.sqrt((30 ** 2 - 1) / 12), 9)
  expect(found['start(x)']).toBeCloseTo(5 + 2 * 9.5, 9)
  expect(found.age).toBe(100)
})

test('a row looks at nothing that comes after it', () => {
  const values = Array.from({ length: 50 }, (_, i) => Math.sin(i) * i)
  const whole = createFeatures(createLife(values))
  const cut = createFeatures(createLife(values.slice(0, 33)))
  expect(Array.from(whole.subarray(0, cut.length))).toEqual(Array.from(cut))
})

test('empty rows are left out, and a tag without any value is NaN', () => {
  expect(measure([1, Number.NaN, 3])['mean10(x)']).toBe(2)
  expect(measure([1, Number.NaN, 3])['slope80(x)']).toBeCloseTo(1, 9)
  expect(measure([Number.NaN, Number.NaN])['mean10(x)']).toBeNaN()
})

test('a model from elsewhere is asked over a weekend of silence, not about a machine that has been silent for long', () => {
  const external = { windowRows: 4, flat: false, hoursPerUnit: 1 }
  const ask = (silent: number) => {
    const values = Float64Array.from({ length: 200 }, (_, row) =>
      row < 200 - silent ? row : Number.NaN,
    )
    return createLifeInput({ external, fill: [0] }, { unit: '', count: 200, width: 1, values })
  }
  expect(ask(60)).toEqual({ values: Float32Array.of(139, 139, 139, 139), shape: [1, 4, 1] })
  expect(ask(100)).toEqual({ problem: 'Too many of its tags were not read lately.' })
})

test('the interval is as wide as the residuals of predictions of that size were', () => {
  const predicted = Array.from({ length: 1200 }, (_, i) => i / 10)
  const actual = predicted.map((value, i) => value + ((i % 21) - 10) * (value / 120))
  const interval = createInterval({ predicted, actual })
  const near = interpolate(interval, interval.low, 12)
  const far = interpolate(interval, interval.low, 115)
  expect(near).toBeGreaterThan(-1.6)
  expect(far).toBeLessThan(-7)
  expect(interpolate(interval, interval.high, 115)).toBeGreaterThan(7)
  expect(interpolate(interval, interval.high, 500)).toBe(interval.high.at(-1))
})

test('the trend does not follow a third of nonsense', () => {
  const values = Array.from({ length: 30 }, (_, i) => (i % 4 === 1 ? 900 * (i % 8) : 0.5 * i))
  expect(findTrend(values)).toBeCloseTo(0.5, 1)
  expect(findTrend([1])).toBeNaN()
})
