/** Fills an empty cell with what the other tags, and the rows before it, let expect: the conditional mean. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix'
import { CLIP, type Detector } from './detector.ts'
import type { Rows } from './grid.ts'

/** More empty cells in a row than this part of its tags: the rest cannot speak for them. */
const MAX_EMPTY_SHARE = 1 / 2
/** Fits and fills in turn until the relations no longer feel the cells that were empty. */
export const FILL_ROUNDS = 3

export interface Filler {
  /**
   * The row with its empty cells filled, in raw values. `earlier` are the rows before it, the newest first, as many as
   * the detector has lags; with fewer of them, or too many cells empty, the answer is undefined.
   */
  fill(
    row: ArrayLike<number>,
    empty: readonly number[],
    earlier: readonly ArrayLike<number>[],
  ): Float64Array | undefined
}

/** C⁻¹ of the detector tells the mean of some coordinates given all others: μₘ − Pₘₘ⁻¹ Pₘₒ (zₒ − μₒ). */
export function createFiller(detector: Detector): Filler {
  const { width, lags, mean, scale, exact, center } = detector
  const narrow = exact ? (value: number) => value : Math.fround
  const precision = findPrecision(detector)
  const dimensions = width * (lags + 1)
  const standardise = (value: number, tag: number): number => {
    const z = (value - (mean[tag] ?? 0)) / (scale[tag] ?? 1)
    return Math.min(CLIP, Math.max(-CLIP, z))
  }
  return {
    fill(row, empty, earlier) {
      if (empty.length > MAX_EMPTY_SHARE * width || earlier.length < lags) return undefined
      const offset = new Float64Array(dimensions)
      for (let lag = 0; lag <= lags; lag++)
        for (let tag = 0; tag < width; tag++) {
          const value = (lag === 0 ? row : earlier[lag - 1])?.[tag] ?? 0
          offset[lag * width + tag] = standardise(value, tag) - (center[lag * width + tag] ?? 0)
        }
      for (const tag of empty) offset[tag] = 0
      const filled = Float64Array.from(row)
      solveEmpty(precision, offset, empty).forEach((z, i) => {
        const tag = empty[i] ?? 0
        const near = Math.min(CLIP, Math.max(-CLIP, z + (center[tag] ?? 0)))
        filled[tag] = narrow((mean[tag] ?? 0) + near * (scale[tag] ?? 1))
      })
      return filled
    },
  }
}

/** The first p rows of C⁻¹, p x d: what empty cells of the newest row need. */
function findPrecision({ width, center, whiten }: Detector): Float64Array {
  const dimensions = center.length
  const precision = new Float64Array(width * dimensions)
  for (let j = 0; j < width; j++)
    for (let l = 0; l < dimensions; l++) {
      let sum = 0
      for (let k = 0; k < dimensions; k++)
        sum += (whiten[j * dimensions + k] ?? 0) * (whiten[l * dimensions + k] ?? 0)
      precision[j * dimensions + l] = sum * dimensions
    }
  return precision
}

function solveEmpty(
  precision: Float64Array,
  offset: Float64Array,
  empty: readonly number[],
): number[] {
  const dimensions = offset.length
  const own = Matrix.zeros(empty.length, empty.length)
  const rest = Matrix.zeros(empty.length, 1)
  empty.forEach((tag, i) => {
    let sum = 0
    for (let k = 0; k < dimensions; k++)
      sum -= (precision[tag * dimensions + k] ?? 0) * (offset[k] ?? 0)
    rest.set(i, 0, sum)
    empty.forEach((other, j) => {
      own.set(i, j, precision[tag * dimensions + other] ?? 0)
    })
  })
  return new CholeskyDecomposition(own).solve(rest).to1DArray()
}

/**
 * The rows with their empty cells filled, one after another. A cell that cannot be filled keeps the value held on from
 * before; a row whose cell is too old for that (NaN) stays a gap.
 */
export function fillRows(
  rows: Rows,
  filler: Filler,
  { lags, from = 0, to = rows.count }: { lags: number; from?: number; to?: number },
): Rows {
  const { width, empty } = rows
  if (!empty) return rows
  const values = rows.values.slice()
  for (let row = from; row < to; row++) {
    const tags = emptyTags(empty, row, width)
    const own = values.subarray(row * width, (row + 1) * width)
    if (tags.length === 0 || own.some(Number.isNaN)) continue
    const earlier = Array.from({ length: Math.min(lags, row) }, (_, lag) =>
      values.subarray((row - lag - 1) * width, (row - lag) * width),
    )
    if (earlier.some((one) => one.some(Number.isNaN))) continue
    const filled = filler.fill(own, tags, earlier)
    if (filled) values.set(filled, row * width)
  }
  return { ...rows, values }
}

function emptyTags(empty: Uint8Array, row: number, width: number): number[] {
  const tags: number[] = []
  for (let tag = 0; tag < width; tag++) if (empty[row * width + tag] === 1) tags.push(tag)
  return tags
}
