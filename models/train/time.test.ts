/** The ways in which people and machines write an instant. */
import { expect, test } from 'vitest'
import { findPeriod } from './grid.ts'
import { parseTable } from './table.ts'
import { parseTimes } from './time.ts'

const AT = Date.UTC(2026, 0, 25, 9, 15, 30)
const read = (...cells: string[]) => [...parseTimes(cells, { file: 'x.csv', column: 'time' })]

test.each([
  '2026-01-25T09:15:30Z',
  '2026-01-25 09:15:30.000',
  '2026-01-25t18:15:30+09:00',
  '2026-01-25 18:15:30 +0900',
  '2026-01-25 04:45:30-04:30',
  '2026-01-25 09:15:30+00',
  '2026/1/25 9:15:30',
  '20260125T091530Z',
  '25.01.2026 09:15:30',
  '01/25/2026 9:15:30 AM',
  '1769332530',
  '1769332530.000',
  '1769332530000',
  '1769332530000000',
  '1769332530000000000',
])('%s is the one instant', (cell) => {
  expect(read(cell)).toEqual([AT])
})

test('noon is 12 PM, midnight 12 AM, and 13 PM is no time', () => {
  expect(read('01/25/2026 12:00 AM', '01/25/2026 12:00 PM', '01/25/2026 11:00 PM')).toEqual(
    [0, 12, 23].map((hour) => Date.UTC(2026, 0, 25, hour)),
  )
  expect(() => read('01/25/2026 13:00 PM')).toThrow('is not a time')
})

test.each(['2026-02-30', '2026-13-01', '2026-01-25T24:00:00Z', '2026-01/25', '09:15:30', ''])(
  '"%s" is refused',
  (cell) => {
    expect(() => read(cell)).toThrow('is not a time')
  },
)

test('decimals of seconds since 1970 keep their step, as the same times in words do', () => {
  const cells = Array.from({ length: 50 }, (_, i) => ((AT + i * 100) / 1000).toFixed(1))
  expect(
    findPeriod(parseTable(`time,a\n${cells.map((cell) => `${cell},1`).join('\n')}`, 'x')),
  ).toBe(100)
})

test('a column of dates is the time whatever its name, and one that is asked for comes first', () => {
  const text = 'a,Zeit,t\n1,2026-01-25 09:15:30,7\n2,2026-01-25 09:15:31,8\n'
  expect(parseTable(text, 'x').names).toEqual(['a', 't'])
  const asked = parseTable(text, 'x', { time: 't', tags: ['a'] })
  expect([...asked.at!]).toEqual([7000, 8000])
  expect(asked.names).toEqual(['a'])
  expect(parseTable(text, 'x', { usualTime: 't', tags: ['a'] }).at).toEqual(asked.at)
  expect(parseTable(text, 'x', { usualTime: 'gone' }).names).toEqual(['a', 't'])
})
