/** The order in which tags left their normal. */
import { expect, test } from 'vitest'
import { findMovedFirst } from './moved-first.ts'

/** Rows of z for a, b, c; the instant is the row. */
const trace = (rows: number[][]) => ({
  names: ['a', 'b', 'c'],
  at: rows.map((_, row) => row * 1000),
  z: rows.flat(),
})

test('the first to leave stands first; a tag that stayed is not named', () => {
  const rows = Array.from({ length: 40 }, (_, row) => [row > 30 ? -4 : 0, row > 20 ? 5 : 0, 1])
  expect(findMovedFirst(trace(rows))).toEqual([
    { name: 'b', at: 21_000, direction: 'high', peak: 5 },
    { name: 'a', at: 31_000, direction: 'low', peak: 4 },
  ])
})

test('a short dip is the same excursion, a long quiet before it is not', () => {
  const a = [9, 9, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 4, 4]
  expect(findMovedFirst(trace(a.map((z) => [z, 0, 0])))).toMatchObject([
    { name: 'a', at: 8000, peak: 4 },
  ])
})

test('unknown rows neither end nor begin an excursion, and equal instants stand by their peaks', () => {
  const rows = [
    [0, 0, 0],
    [0, 0, 0],
    [5, 4, Number.NaN],
    [Number.NaN, Number.NaN, Number.NaN],
    [5, 9, 0],
  ]
  expect(findMovedFirst(trace(rows)).map(({ name, at }) => [name, at])).toEqual([
    ['b', 2000],
    ['a', 2000],
  ])
})
