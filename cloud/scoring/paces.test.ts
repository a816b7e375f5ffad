/** When a model counts as slow, and when no longer. */
import { expect, test } from 'vitest'
import { createPaces } from './paces.ts'

test('three slow runs in a row make a model slow, one between others does not', () => {
  const paces = createPaces()
  for (const ms of [5000, 5000, 20, 5000, 5000]) paces.note('a', ms)
  expect(paces.isSlow('a')).toBe(false)
  paces.note('a', 5000)
  expect([paces.isSlow('a'), paces.isSlow('b')]).toEqual([true, false])
})

test('a slow model is quick again after a minute of quick runs, and forgotten with its file', () => {
  const paces = createPaces()
  for (let i = 0; i < 3; i++) paces.note('a', 1500)
  for (let i = 0; i < 59; i++) paces.note('a', 20)
  expect(paces.isSlow('a')).toBe(true)
  paces.note('a', 20)
  expect(paces.isSlow('a')).toBe(false)
  for (let i = 0; i < 3; i++) paces.note('a', 1500)
  paces.forget('a')
  expect(paces.isSlow('a')).toBe(false)
})
