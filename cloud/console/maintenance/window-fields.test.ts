/** The fields of planned maintenance: the wall clock of the site, there and back, and what they refuse. */
import { expect, it } from 'vitest'
import { freshFields, readFields } from './window-fields.ts'

const now = Date.UTC(2026, 10, 23, 1, 13, 47)

it('begin on a round minute of the site, wherever the browser is, and come back as the same instants', () => {
  const fields = freshFields(now, 'Asia/Tokyo')
  expect(fields).toEqual({ from: '2026-11-23T10:10:00', to: '2026-11-23T12:10:00' })
  const from = Date.UTC(2026, 10, 23, 1, 10)
  expect(readFields(fields, 'Asia/Tokyo').span).toEqual({ from, to: from + 7_200_000 })
})

it('say what is wrong with the end, and nothing of a field that is half filled in', () => {
  const read = (from: string, to: string) => readFields({ from, to }, 'Asia/Tokyo')
  expect(read('2026-11-23T10:00', '2026-11-23T10:00').problem).toBe('work.bad-span')
  expect(read('2026-11-01T00:00', '2026-12-01T00:01').problem).toBe('work.too-long')
  expect(read('2026-11-01T00:00', '2026-12-01T00:00').problem).toBeNull()
  expect(read('', '2026-11-23T10:00')).toEqual({ span: null, problem: null })
})
