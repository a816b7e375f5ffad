/** The newest reading of a tag, whichever way it came. */
import { expect, test } from 'vitest'
import { quality, type Sample, type Tag } from '../protocol/model.ts'
import type { Row, RowTags } from './readings.ts'
import { createTagCache } from './tag-cache.ts'

const START = Date.UTC(2026, 5, 1)
const tags = ['A', 'B'].map(
  (name): Tag => ({ id: `s/g/d/${name}`, name, type: 'Double', address: {} }),
)
const [a, b] = tags.map(({ id }) => id) as [Tag['id'], Tag['id']]
const of: RowTags = { tags: [a, b] }

const rowOf = (at: number, values: number[]): Row => {
  return { of, at, places: Int32Array.from(values.keys()), values: Float64Array.from(values) }
}
const bad = (tag: Tag['id'], at: number): Sample => ({ tag, at, value: null, quality: quality.bad })

test('what came last stands, be it a row or a sample', () => {
  const cache = createTagCache()
  cache.define('d', tags, START)
  expect(cache.latest(a)).toBeUndefined()
  cache.keepRow(rowOf(START, [1, 2]))
  expect(cache.latest(b)).toEqual({ tag: b, at: START, value: 2, quality: quality.good })
  cache.keep([bad(a, START + 1)])
  expect(cache.latest(a)).toEqual(bad(a, START + 1))
  cache.keepRow(rowOf(START + 2, [3]))
  expect(cache.latest(a)?.value).toBe(3)
  expect(cache.latest(b)?.value).toBe(2)
})

test('a row read while the clock was never set is not good', () => {
  const cache = createTagCache()
  cache.keepRow(rowOf(Date.UTC(1970, 0, 2), [1, 2]))
  expect(cache.latest(a)).toMatchObject({ value: 1, quality: quality.bad })
})

test('a device that left is forgotten, and its last row does not bring it back', () => {
  const cache = createTagCache()
  cache.define('d', tags, START)
  cache.keepRow(rowOf(START, [1, 2]))
  cache.remove('d')
  cache.keepRow(rowOf(START + 1, [5, 6]))
  expect(cache.latest(a)).toBeUndefined()
})
