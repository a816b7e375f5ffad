/** What lies between two values. */
import { expect, test } from 'vitest'
import { median, nearestQuantile, quantile } from './quantiles.ts'

test('a quantile is linear between its neighbours, whatever their order and sign', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([-10, 0, 10], 0.25)).toBe(-5)
  expect(quantile([7], 0.99)).toBe(7)
  expect(quantile([100, 9], 1)).toBe(100)
})

test('a median of an even number lies in the middle, and of nothing is 0', () => {
  expect(median(new Set([10, 2]))).toBe(6)
  expect(median([])).toBe(0)
})

test('the nearest quantile is one of the values', () => {
  expect([0, 0.4, 0.6, 1].map((share) => nearestQuantile([1, 5, 9], share))).toEqual([1, 5, 5, 9])
  expect(nearestQuantile([], 0.5)).toBeUndefined()
})
