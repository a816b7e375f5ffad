/** Detector D3: marks on the time axis where the mean of a tag moved, by two windows side by side. */

/** Rows of the mean before and of the mean after a change. */
const BEFORE_ROWS = 60
const AFTER_ROWS = 20
/** Standard deviations of the window before: means of 20 and 60 rows of plain noise differ by 0.26 of them, of slow noise by more. */
const LIMIT = 2
/** Smaller moves than this part of the whole range are no news, however quiet the tag was before. */
const RANGE_SHARE = 0.02

export interface ChangePointOptions {
  before?: number
  after?: number
  /** In standard deviations of the window before. */
  limit?: number
}

export interface ChangePoint {
  /** First row of the new level. */
  row: number
  /** How far the mean moved, in standard deviations of the window before; signed. */
  shift: number
}

/**
 * Changes of the mean in a column, in order. A mark needs `after` rows behind it, so it is known that much later; rows
 * that are NaN are passed over. Neighbouring candidates are one change: the largest move counts.
 */
export function findChangePoints(
  column: ArrayLike<number>,
  options: ChangePointOptions = {},
): ChangePoint[] {
  const { before = BEFORE_ROWS, after = AFTER_ROWS, limit = LIMIT } = options
  const { rows, values } = dropEmpty(column)
  const least = RANGE_SHARE * findRange(values)
  const sums = sumUp(values)
  const found: ChangePoint[] = []
  let lastAt = Number.NEGATIVE_INFINITY
  for (let i = before; i + after <= values.length; i++) {
    const old = describe(sums, i - before, i)
    const move = describe(sums, i, i + after).mean - old.mean
    const shift = move / Math.max(old.deviation, least)
    if (!(Math.abs(move) >= least) || !(Math.abs(shift) >= limit)) continue
    const change = { row: rows[i] ?? i, shift }
    const previous = found.at(-1)
    if (!previous || i - lastAt > after) found.push(change)
    else if (Math.abs(shift) > Math.abs(previous.shift)) found[found.length - 1] = change
    else continue
    lastAt = i
  }
  return found
}

function dropEmpty(column: ArrayLike<number>): { rows: number[]; values: number[] } {
  const rows: number[] = []
  const values: number[] = []
  for (let row = 0; row < column.length; row++) {
    const value = column[row] ?? Number.NaN
    if (Number.isNaN(value)) continue
    rows.push(row)
    values.push(value)
  }
  return { rows, values }
}

function findRange(values: readonly number[]): number {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return high > low ? high - low : 0
}

interface Sums {
  origin: number
  plain: Float64Array
  squares: Float64Array
}

/** Running sums around the first value: a large level must not eat the digits of a small spread. */
function sumUp(values: readonly number[]): Sums {
  const origin = values[0] ?? 0
  const plain = new Float64Array(values.length + 1)
  const squares = new Float64Array(values.length + 1)
  values.forEach((value, i) => {
    plain[i + 1] = (plain[i] ?? 0) + (value - origin)
    squares[i + 1] = (squares[i] ?? 0) + (value - origin) ** 2
  })
  return { origin, plain, squares }
}

function describe({ plain, squares }: Sums, from: number, to: number) {
  const count = to - from
  const mean = ((plain[to] ?? 0) - (plain[from] ?? 0)) / count
  const square = ((squares[to] ?? 0) - (squares[from] ?? 0)) / count
  return { mean, deviation: Math.sqrt(Math.max(0, square - mean ** 2)) }
}
