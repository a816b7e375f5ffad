/** Reads the instants of a time column: Unix numbers, ISO 8601, and days written before or after their month. */
import { Fault } from '../../protocol/kit/fault.ts'

/** Numbers above this are Unix milliseconds, below it seconds (of any epoch). */
const MILLISECONDS_FROM = 1e11
/** The first data row of a file: the header is row 1. */
const FIRST_ROW = 2

const ISO =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:?\d\d)?)?$/
const SLASHED =
  /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)(?:[T ]+(\d{1,2})(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?$/

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

function parseIso(text: string): number {
  const number = text === '' ? Number.NaN : Number(text)
  if (Number.isFinite(number)) return number > MILLISECONDS_FROM ? number : number * 1000
  const found = ISO.exec(text)
  if (!found) return Number.NaN
  const [, date, hour = '00', minute = '00', second = '00', zone = 'Z'] = found
  return Date.parse(`${date}T${hour}:${minute}:${second}${zone}`)
}

function parseSlashed(cell: string): Slashed | undefined {
  const found = SLASHED.exec(cell.trim())
  if (!found) return undefined
  const [, first, , second, year = '', hour = '0', minute = '0', seconds = '0'] = found
  const inRange = Number(hour) < 24 && Number(minute) < 60 && Number(seconds) < 60
  return {
    pair: [Number(first), Number(second)],
    year: Number(year) + (year.length === 2 ? 2000 : 0),
    timeMs: inRange ? (Number(hour) * 60 + Number(minute)) * 60_000 + Number(seconds) * 1000 : NaN,
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
