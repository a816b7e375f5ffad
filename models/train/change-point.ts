/** Detector D3: marks on the time axis where the mean of a tag moved, by two windows side by side. */

/** Rows of the mean before and of the mean after a change. */
const BEFORE_ROWS = 60
const AFTER_ROWS = 20
/** Standard deviations of the window before: means of 20 and 60 rows of plain noise differ by 0.26 of them, of slow noise by more. */
const LIMIT = 2
/** Smaller moves than this part of the whole range are no news, however quiet the tag was before. */
const RANGE_SHARE = 0.02

/** A level is back when it misses the former one by no more than this part of the change. */
const RETURN_SHARE = 0.25

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
  /** Means of the rows before and after, in the tag's unit. */
  before: number
  after: number
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
  const found: { place: number; mark: ChangePoint }[] = []
  for (let i = before; i + after <= values.length; i++) {
    const places = { from: i - before, at: i, to: i + after }
    const left = found.findLast(({ place }) => i - place >= after)
    const change =
      compare(sums, places, { least, limit }) ??
      (left && left.place > places.from
        ? findReturn(sums, { ...places, from: left.place }, { least, limit, left: left.mark })
        : undefined)
    if (!change) continue
    const next = { place: i, mark: { row: rows[i] ?? i, ...change } }
    const last = found.at(-1)
    if (!last || i - last.place > after) found.push(next)
    else if (Math.abs(change.shift) > Math.abs(last.mark.shift)) found[found.length - 1] = next
  }
  return found.map(({ mark }) => mark)
}

interface Places {
  from: number
  at: number
  to: number
}

type Change = Omit<ChangePoint, 'row'>

function compare(
  sums: Sums,
  { from, at, to }: Places,
  { least, limit }: { least: number; limit: number },
): Change | undefined {
  const old = describe(sums, from, at)
  const own = describe(sums, at, to).mean
  const move = own - old.mean
  const shift = move / Math.max(old.deviation, least)
  if (!(Math.abs(move) >= least) || !(Math.abs(shift) >= limit)) return undefined
  return { shift, before: sums.origin + old.mean, after: sums.origin + own }
}

/** The way back to the level before the last change, when it comes sooner than a whole window: else only the way out is marked. */
function findReturn(
  sums: Sums,
  places: Places,
  { left, ...limits }: { least: number; limit: number; left: ChangePoint },
): Change | undefined {
  const change = compare(sums, places, limits)
  const missed = Math.abs((change?.after ?? 0) - left.before)
  return change && missed <= RETURN_SHARE * Math.abs(left.after - left.before) ? change : undefined
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
