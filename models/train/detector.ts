/** Detector D1: a ridge-regularised Mahalanobis distance of lag-stacked rows, fitted and evaluated in float64. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix'
import type { Rows } from './grid.ts'
import { createScaling, type Scaling } from './scaling.ts'

/** A standardised value beyond this says no more than the value itself: one broken sensor must not blind the rest. */
export const CLIP = 100
/** Rows whose distances are averaged into one score. */
export const SCORE_ROWS = 10
/** Ridge on the standardised covariance. */
const RIDGE = 1e-3
/** Rows wanted per dimension of the covariance; with fewer, lags are given up first. */
export const ROWS_PER_DIMENSION = 3
const MAX_LAGS = 2

export type Segments = readonly (readonly [number, number])[]

/** A fitted detector of p tags and d = p * (lags + 1) dimensions; matrices row by row. */
export interface Detector extends Scaling {
  width: number
  lags: number
  /** Mean of the stacked rows, d. */
  center: Float64Array
  /** d x d: |(L - center) * whiten| is the distance divided by sqrt(d). */
  whiten: Float64Array
  /** d x p: (L - center) * explain is each tag's conditional z. */
  explain: Float64Array
}

export interface Score {
  score: number
  contributions: Float64Array
}

/** Rows of one window: the averaged ones and the lags before the first. */
export function windowRows(lags: number): number {
  return SCORE_ROWS + lags
}

/** As many lags as the rows can carry. */
export function chooseLags(rows: number, width: number): number {
  for (let lags = MAX_LAGS; lags > 0; lags--)
    if (rows >= ROWS_PER_DIMENSION * width * (lags + 1)) return lags
  return 0
}

/** Fits on the segments; `resolutions` are the tags' steps in their own units. */
export function fitDetector(
  rows: Rows,
  segments: Segments,
  { lags, resolutions }: { lags: number; resolutions: Float64Array },
): Detector {
  const scaling = createScaling(rows, segments)
  const standard = standardise(rows, scaling)
  const stacked = stack(standard, rows.width, { lags, segments })
  const dimensions = rows.width * (lags + 1)
  const { center, covariance } = meanAndCovariance(stacked, dimensions)
  for (let j = 0; j < dimensions; j++) {
    const tag = j % rows.width
    const step = (resolutions[tag] ?? 0) / (scaling.scale[tag] ?? 1)
    covariance.set(j, j, covariance.get(j, j) + Math.max(RIDGE, step ** 2 / 12))
  }
  return { ...scaling, width: rows.width, lags, center, ...decompose(covariance, rows.width) }
}

/** z of every cell, clipped. */
function standardise({ values, width }: Rows, { mean, scale }: Scaling): Float64Array {
  return values.map((value, i) => {
    const z = (value - (mean[i % width] ?? 0)) / (scale[i % width] ?? 1)
    return Math.min(CLIP, Math.max(-CLIP, z))
  })
}

/** [z(t), z(t-1), ...] for every row of a segment that has its lags, row by row. */
function stack(
  standard: Float64Array,
  width: number,
  { lags, segments }: { lags: number; segments: Segments },
): Float64Array {
  const count = segments.reduce((sum, [from, to]) => sum + Math.max(0, to - from - lags), 0)
  const stacked = new Float64Array(count * width * (lags + 1))
  let at = 0
  for (const [from, to] of segments)
    for (let row = from + lags; row < to; row++)
      for (let lag = 0; lag <= lags; lag++, at += width)
        stacked.set(standard.subarray((row - lag) * width, (row - lag + 1) * width), at)
  return stacked
}

function meanAndCovariance(stacked: Float64Array, dimensions: number) {
  const count = stacked.length / dimensions
  const center = new Float64Array(dimensions)
  for (let i = 0; i < stacked.length; i++) add(center, i % dimensions, (stacked[i] ?? 0) / count)
  const sums = new Float64Array(dimensions * dimensions)
  const row = new Float64Array(dimensions)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < dimensions; j++)
      row[j] = (stacked[i * dimensions + j] ?? 0) - (center[j] ?? 0)
    for (let j = 0; j < dimensions; j++)
      for (let k = 0; k <= j; k++) add(sums, j * dimensions + k, (row[j] ?? 0) * (row[k] ?? 0))
  }
  const covariance = Matrix.zeros(dimensions, dimensions)
  for (let j = 0; j < dimensions; j++)
    for (let k = 0; k <= j; k++) {
      const value = (sums[j * dimensions + k] ?? 0) / Math.max(1, count - 1)
      covariance.set(j, k, value)
      covariance.set(k, j, value)
    }
  return { center, covariance }
}

function add(into: Float64Array, i: number, value: number): void {
  into[i] = (into[i] ?? 0) + value
}

/** C = R Rᵀ gives whiten = R⁻ᵀ / sqrt(d), and explain from C⁻¹ = R⁻ᵀ R⁻¹. */
function decompose(covariance: Matrix, width: number) {
  const dimensions = covariance.rows
  const lower = new CholeskyDecomposition(covariance).lowerTriangularMatrix
  const inverseLower = invertLower(lower)
  const precision = inverseLower.transpose().mmul(inverseLower)
  const whiten = new Float64Array(dimensions * dimensions)
  for (let j = 0; j < dimensions; j++)
    for (let k = 0; k < dimensions; k++)
      whiten[j * dimensions + k] = inverseLower.get(k, j) / Math.sqrt(dimensions)
  return { whiten, explain: explainBy(precision, width) }
}

/**
 * The conditional z of a tag: how far its level, over all its lags together, stands from what the other tags
 * let expect, in standard deviations: 1ᵀ(C⁻¹L) / sqrt(1ᵀ C⁻¹ 1) over the tag's own block. Without lags it is
 * (C⁻¹L)_j / sqrt(C⁻¹_jj).
 */
function explainBy(precision: Matrix, width: number): Float64Array {
  const dimensions = precision.rows
  const explain = new Float64Array(dimensions * width)
  for (let tag = 0; tag < width; tag++) {
    let own = 0
    for (let j = tag; j < dimensions; j += width)
      for (let k = tag; k < dimensions; k += width) own += precision.get(j, k)
    for (let j = 0; j < dimensions; j++) {
      let sum = 0
      for (let k = tag; k < dimensions; k += width) sum += precision.get(j, k)
      explain[j * width + tag] = sum / Math.sqrt(own)
    }
  }
  return explain
}

function invertLower(lower: Matrix): Matrix {
  const size = lower.rows
  const inverse = Matrix.zeros(size, size)
  for (let column = 0; column < size; column++)
    for (let row = column; row < size; row++) {
      let sum = row === column ? 1 : 0
      for (let k = column; k < row; k++) sum -= lower.get(row, k) * inverse.get(k, column)
      inverse.set(row, column, sum / lower.get(row, row))
    }
  return inverse
}

/** Scores every window that lies wholly in one segment; `ends[i]` is the last row of window i. */
export function scoreSegments(detector: Detector, rows: Rows, segments: Segments) {
  const standard = standardise(rows, detector)
  const ends: number[] = []
  const scores: Score[] = []
  for (const [from, to] of segments) {
    const first = from + windowRows(detector.lags) - 1
    const part = scoreRun(
      detector,
      stack(standard, rows.width, { lags: detector.lags, segments: [[from, to]] }),
    )
    part.forEach((score, i) => {
      ends.push(first + i)
      scores.push(score)
    })
  }
  return { ends, scores }
}

/** Scores of the sliding windows over consecutive stacked rows. */
function scoreRun(detector: Detector, stacked: Float64Array): Score[] {
  const { width, center } = detector
  const dimensions = center.length
  const count = stacked.length / dimensions
  const distances = new Float64Array(count)
  const causes = new Float64Array(count * width)
  const offset = new Float64Array(dimensions)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < dimensions; j++)
      offset[j] = (stacked[i * dimensions + j] ?? 0) - (center[j] ?? 0)
    distances[i] = norm(multiply(offset, detector.whiten, dimensions))
    causes.set(multiply(offset, detector.explain, width), i * width)
  }
  const scores: Score[] = []
  for (let end = SCORE_ROWS; end <= count; end++) {
    const contributions = new Float64Array(width)
    let sum = 0
    for (let i = end - SCORE_ROWS; i < end; i++) {
      sum += distances[i] ?? 0
      for (let tag = 0; tag < width; tag++)
        add(contributions, tag, (causes[i * width + tag] ?? 0) / SCORE_ROWS)
    }
    scores.push({ score: sum / SCORE_ROWS, contributions })
  }
  return scores
}

function multiply(vector: Float64Array, matrix: Float64Array, columns: number): Float64Array {
  const product = new Float64Array(columns)
  for (let j = 0; j < vector.length; j++) {
    const factor = vector[j] ?? 0
    for (let k = 0; k < columns; k++)
      product[k] = (product[k] ?? 0) + factor * (matrix[j * columns + k] ?? 0)
  }
  return product
}

function norm(vector: Float64Array): number {
  let sum = 0
  for (const value of vector) sum += value * value
  return Math.sqrt(sum)
}
