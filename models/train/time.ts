/** Reads the instants of a time column: Unix numbers (s, ms, µs, ns), ISO 8601, and days written before or after their month. */
import { Fault } from '../../protocol/kit/fault.ts'

/** Numbers above these are Unix nanoseconds, microseconds and milliseconds (all from 1973 on); others are seconds of any epoch. */
const UNIX_UNITS = [
  { from: 1e17, perMs: 1e6 },
  { from: 1e14, perMs: 1e3 },
  { from: 1e11, perMs: 1 },
] as const
/**
 * Instants that were numbers are multiples of this part of a millisecond: as decimals of seconds they carry noise of a
 * quarter of a microsecond, and no two steps of a recording at 10 Hz would be equal.
 */
const PER_MS = 1024
/** The first data row of a file: the header is row 1. */
const FIRST_ROW = 2

const CLOCK = '(?:[T ]+(\\d{1,2})(?::(\\d\\d)(?::(\\d\\d(?:[.,]\\d+)?))?)?'
/** The year first: ISO 8601, and what looks like it: other marks, one digit where there should be two, a space before the zone. */
const ISO = new RegExp(
  `^(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${CLOCK}\\s*(Z|[+-]\\d\\d(?::?\\d\\d)?)?)?$`,
  'i',
)
/** ISO 8601 without marks: 20260105T091500Z. */
const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d(?:[.,]\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i
const SLASHED = new RegExp(
  `^(\\d{1,2})([/.-])(\\d{1,2})\\2(\\d{4}|\\d\\d)${CLOCK}(?:\\s*([AP])\\.?M\\.?)?)?$`,
  'i',
)

interface Slashed {
  /** The two numbers before the year, as written. */
  pair: readonly [number, number]
  year: number
  /** Milliseconds since midnight. */
  timeMs: number
}

type Order = 'day-first' | 'month-first'

export interface TimeColumn {
  file: string
  column: string
}

/**
 * Unix ms of every cell; a time without zone is UTC. A date like 06/01/14 is day/month/year when some first number of
 * the column is above 12 or the marks are dots, month/day/year when some second number is; when the column does not
 * tell, the reading with the more regular steps is taken, and where both are equally regular the file is refused.
 */
export function parseTimes(cells: readonly string[], place: TimeColumn): Float64Array {
  const slashed = cells.map(parseSlashed)
  const order = slashed.some(Boolean) ? findOrder(cells, slashed, place) : 'day-first'
  return Float64Array.from(cells, (cell, i) => {
    const date = slashed[i]
    const at = date ? toInstant(date, order) : parseIso(cell.trim())
    if (Number.isFinite(at)) return at
    const problem = `"${cell.trim().slice(0, 40)}" is not a time (ISO 8601, day/month/year or Unix seconds)`
    throw new Fault('table.invalid', { ...place, row: i + FIRST_ROW, problem })
  })
}

/** Whether the cell is written as a date, so that its column must be one of instants. */
export function isDate(cell: string): boolean {
  const text = cell.trim()
  return ISO.test(text) || BASIC.test(text) || SLASHED.test(text)
}

function parseIso(text: string): number {
  const number = text === '' ? Number.NaN : Number(text)
  if (Number.isFinite(number)) {
    const unit = UNIX_UNITS.find(({ from }) => number > from)
    return Math.round((unit ? number / unit.perMs : number * 1000) * PER_MS) / PER_MS
  }
  const [, year, , month, day, hour, minute, second, zone] = ISO.exec(text) ?? []
  if (year !== undefined)
    return toUtc([year, month, day], readClock({ hour, minute, second }), zone)
  const basic = BASIC.exec(text)
  if (!basic) return Number.NaN
  const clock = readClock({ hour: basic[4], minute: basic[5], second: basic[6] })
  return toUtc(basic.slice(1, 4), clock, basic[7])
}

/** NaN for a day that the month does not have. */
function toUtc(date: readonly (string | undefined)[], timeMs: number, zone = 'Z'): number {
  const [year = Number.NaN, month = Number.NaN, day = Number.NaN] = date.map(Number)
  const at = Date.UTC(year, month - 1, day)
  const isThere = day > 0 && month > 0 && new Date(at).getUTCMonth() === month - 1
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? []
  const aheadMs = (Number(hours ?? 0) * 60 + Number(minutes)) * 60_000
  return isThere ? at + timeMs - (sign === '-' ? -aheadMs : aheadMs) : Number.NaN
}

interface Clock {
  hour?: string
  minute?: string
  second?: string
  /** A or P, of AM and PM. */
  half?: string
}

/** Whole milliseconds since midnight; NaN for what no clock shows. */
function readClock({ hour = '0', minute = '0', second = '0', half }: Clock): number {
  const seconds = Number(second.replace(',', '.'))
  const isTwelve = half === undefined || (Number(hour) >= 1 && Number(hour) <= 12)
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (/p/i.test(half) ? 12 : 0)
  if (!isTwelve || hours > 23 || Number(minute) > 59 || seconds >= 60) return Number.NaN
  return (hours * 60 + Number(minute)) * 60_000 + Math.floor(Math.round(seconds * 1e9) / 1e6)
}

function parseSlashed(cell: string): Slashed | undefined {
  const found = SLASHED.exec(cell.trim())
  if (!found) return undefined
  const [, first, , second, year = '', hour, minute, seconds, half] = found
  return {
    pair: [Number(first), Number(second)],
    year: Number(year) + (year.length === 2 ? 2000 : 0),
    timeMs: readClock({ hour, minute, second: seconds, half }),
  }
}

/** NaN for a day that the month does not have. */
function toInstant({ pair, year, timeMs }: Slashed, order: Order): number {
  const [day, month] = order === 'day-first' ? pair : [pair[1], pair[0]]
  const at = Date.UTC(year, month - 1, day)
  return new Date(at).getUTCMonth() === month - 1 && day > 0 ? at + timeMs : Number.NaN
}

function findOrder(
  cells: readonly string[],
  slashed: readonly (Slashed | undefined)[],
  place: TimeColumn,
): Order {
  const dates = slashed.filter((one) => one !== undefined)
  if (cells.some((cell) => /^\d+\./.test(cell.trim()))) return 'day-first'
  if (dates.some(({ pair }) => pair[0] > 12)) return 'day-first'
  if (dates.some(({ pair }) => pair[1] > 12)) return 'month-first'
  const dayFirst = countRegular(dates.map((date) => toInstant(date, 'day-first')))
  const monthFirst = countRegular(dates.map((date) => toInstant(date, 'month-first')))
  if (dayFirst !== monthFirst) return dayFirst > monthFirst ? 'day-first' : 'month-first'
  if (dates.every(({ pair }) => pair[0] === pair[1])) return 'day-first'
  const problem = `"${cells[0]?.trim().slice(0, 40)}" may be day/month or month/day: nothing in the column tells; write ISO 8601`
  throw new Fault('table.invalid', { ...place, row: FIRST_ROW, problem })
}

/** How many steps are equal to the most frequent one. */
function countRegular(times: readonly number[]): number {
  const counts = new Map<number, number>()
  let most = 0
  for (let i = 1; i < times.length; i++) {
    const step = (times[i] ?? 0) - (times[i - 1] ?? 0)
    const count = (counts.get(step) ?? 0) + 1
    counts.set(step, count)
    most = Math.max(most, count)
  }
  return most
}
