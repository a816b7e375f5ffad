/** Features of a machine's life so far: means over short, middle and long windows, slope, spread, start level and age. */

/** Rows of the three means; the last is also the window of the slope. */
export const MEAN_ROWS = [10, 30, 80] as const
/** Rows of the slope and of the spread around the mean. */
const SLOPE_ROWS = 80
const SPREAD_ROWS = 30
/** Rows at the beginning of a history that give its start level. */
export const START_ROWS = 20
/** Features of one tag. */
export const FEATURES_PER_TAG = MEAN_ROWS.length + 3

/** One machine on a grid of fixed steps; row 0 is its first. */
export interface Life {
  unit: string
  /** Rows. */
  count: number
  /** Tags. */
  width: number
  /** `[count, width]` row by row; NaN where nothing was measured in the step. */
  values: Float64Array
}

/** Names of the features, in their order. */
export function nameFeatures(tags: readonly string[]): string[] {
  const perTag = (tag: string) => [
    ...MEAN_ROWS.map((rows) => `mean${rows}(${tag})`),
    `slope${SLOPE_ROWS}(${tag})`,
    `spread${SPREAD_ROWS}(${tag})`,
    `start(${tag})`,
  ]
  return [...tags.flatMap(perTag), 'age']
}

/**
 * `[rows, width * FEATURES_PER_TAG + 1]` for the last `rows` rows of a life. Only rows up to each row are looked at;
 * empty cells are left out of every window; where a window has none at all the feature is NaN.
 */
export function createFeatures(life: Life, rows = life.count): Float64Array {
  const size = life.width * FEATURES_PER_TAG + 1
  const out = new Float64Array(rows * size)
  const from = life.count - rows
  for (let tag = 0; tag < life.width; tag++) {
    const sums = sumUp(life, tag)
    for (let i = 0; i < rows; i++) {
      const at = i * size + tag * FEATURES_PER_TAG
      const end = from + i + 1
      MEAN_ROWS.forEach((window, k) => {
        out[at + k] = measure(sums, end - window, end).mean
      })
      out[at + 3] = measure(sums, end - SLOPE_ROWS, end).slope
      out[at + 4] = measure(sums, end - SPREAD_ROWS, end).spread
      out[at + 5] = measure(sums, 0, Math.min(end, START_ROWS)).mean
    }
  }
  for (let i = 0; i < rows; i++) out[i * size + size - 1] = from + i + 1
  return out
}

/** Running sums over the rows before index i: count, x, x², t, t², t·x; x is taken from the first value on. */
interface Sums {
  base: number
  n: Float64Array
  x: Float64Array
  xx: Float64Array
  t: Float64Array
  tt: Float64Array
  tx: Float64Array
}

function sumUp({ values, width, count }: Life, tag: number): Sums {
  const create = () => new Float64Array(count + 1)
  const sums = { n: create(), x: create(), xx: create(), t: create(), tt: create(), tx: create() }
  let base = Number.NaN
  for (let i = 0; i < count; i++) {
    const value = values[i * width + tag] ?? Number.NaN
    const isThere = !Number.isNaN(value)
    if (isThere && Number.isNaN(base)) base = value
    const x = isThere ? value - base : 0
    const t = isThere ? i : 0
    add(sums.n, i, isThere ? 1 : 0)
    add(sums.x, i, x)
    add(sums.xx, i, x * x)
    add(sums.t, i, t)
    add(sums.tt, i, t * t)
    add(sums.tx, i, t * x)
  }
  return { base, ...sums }
}

function add(sum: Float64Array, i: number, value: number): void {
  sum[i + 1] = (sum[i] ?? 0) + value
}

/** Mean, least-squares slope per row and standard deviation of the values in rows [from, end). */
function measure(sums: Sums, from: number, end: number) {
  const start = Math.max(0, from)
  const over = (sum: Float64Array) => (sum[end] ?? 0) - (sum[start] ?? 0)
  const n = over(sums.n)
  if (n === 0) return { mean: Number.NaN, slope: Number.NaN, spread: Number.NaN }
  const x = over(sums.x) / n
  const t = over(sums.t) / n
  const timeVariance = over(sums.tt) / n - t * t
  const covariance = over(sums.tx) / n - t * x
  return {
    mean: sums.base + x,
    slope: timeVariance > 1e-9 ? covariance / timeVariance : 0,
    spread: Math.sqrt(Math.max(0, over(sums.xx) / n - x * x)),
  }
}
