/** Periods as fields in the site's wall clock: to and fro, around changes of clocks, and what is no period. */
import { describe, expect, it } from 'vitest'
import { formatWall, parseWall } from '../i18n/wall-clock.ts'
import { addRow, countRows, periodOf, periodsOf, rowsOf, spanOf } from './period-rows.ts'

const at = (text: string) => Date.parse(text)

describe('a wall clock', () => {
  it('is the clock of the site, not of the browser', () => {
    expect(formatWall(at('2026-11-22T00:30:05Z'), 'Asia/Tokyo')).toBe('2026-11-22T09:30:05')
    expect(parseWall('2026-11-22T09:30:05', 'Asia/Tokyo')).toBe(at('2026-11-22T00:30:05Z'))
    expect(parseWall('2026-11-22T09:30', 'Asia/Tokyo')).toBe(at('2026-11-22T00:30:00Z'))
  })

  it('goes to and fro on both sides of a change of clocks', () => {
    for (const text of ['2026-03-28T23:00:00Z', '2026-03-29T02:30:00Z', '2026-10-25T12:00:00Z']) {
      expect(parseWall(formatWall(at(text), 'Europe/Berlin'), 'Europe/Berlin')).toBe(at(text))
    }
  })

  it('takes a half-filled field for no instant', () => {
    expect(parseWall('', 'Asia/Tokyo')).toBeNull()
  })
})

describe('normal periods', () => {
  const zone = 'Asia/Tokyo'
  const periods = [
    { from: 0, to: 60_000 },
    { from: 30_000, to: 90_000 },
  ]

  it('survive being shown as fields', () => {
    expect(periodsOf(rowsOf(periods, zone), zone)).toEqual(periods)
  })

  it('are none when one of them ends before it begins', () => {
    const rows = addRow(rowsOf(periods, zone), { from: 90_000, to: 30_000 }, zone)
    expect(rows.map(({ key }) => key)).toEqual([0, 1, 2])
    expect(periodsOf(rows, zone)).toBeNull()
    expect(periodOf({ key: 0, from: '', to: '' }, zone)).toBeNull()
  })

  it('count each row once, also where they overlap', () => {
    expect(countRows(periods, 1_000)).toBe(90)
    expect(countRows([], 1_000)).toBe(0)
  })

  it('span from the first to the last instant', () => {
    expect(spanOf(periods, 5)).toEqual({ from: 0, to: 90_000 })
    expect(spanOf([], 86_400_000)).toEqual({ from: 0, to: 86_400_000 })
  })
})
