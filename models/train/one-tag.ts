/** Detector D2: each tag by its own history alone, as the largest of three ratios; fitted and evaluated in float64. */
import { Matrix, solve } from 'ml-matrix'
import { quantile } from '../quantiles.ts'
import { CLIP, type Score, type Segments } from './detector.ts'
import type { Rows } from './grid.ts'
import { createScaling, type Scaling } from './scaling.ts'

/** Past rows that predict the next one. */
const ORDER = 10
/** Rows of the two means that are compared. */
const RECENT_ROWS = 12
const EARLIER_ROWS = 144
/** Rows T of one window. */
export const ONE_TAG_ROWS = RECENT_ROWS + EARLIER_ROWS
/** Each measure is divided by this quantile of its own history. */
const QUANTILE = 0.998
/** Above that quantile, as for the other detector: the crest of a slow wave stays above its own quantile for minutes. */
const MARGIN = 1.1
/** No limit is finer than this many standard deviations, whatever a smooth history says. */
const FINEST = 0.03
/** Share of the variance that keeps the prediction of a smooth or constant tag solvable. */
const RIDGE = 1e-6

/** What is measured of a window: how far the last row is from its prediction, from the mean, and the two means apart. */
export const MEASURES = ['surprise', 'level', 'shift'] as const
type Measure = (typeof MEASURES)[number]

/** A measure of every tag is one weighted sum over the window: sum of weights[t, tag] * z[t, tag], plus offset[tag]. */
export interface Filter {
  /** T x p, row by row; already divided by the limit, so that 1 is the limit. */
  weights: Float64Array
  offset: Float64Array
}

export interface OneTag extends Scaling {
  width: number
  filters: Record<Measure, Filter>
}

/** Fits on the segments; undefined when none holds a window. */
export function fitOneTag(
  rows: Rows,
  segments: Segments,
  resolutions: Float64Array,
): OneTag | undefined {
  const scaling = createScaling(rows, segments)
  const standard = standardise(rows, scaling)
  const ends = windowEnds(segments)
  if (ends.length === 0) return undefined
  const filters = {
    surprise: createFilter(rows.width),
    level: createFilter(rows.width),
    shift: createFilter(rows.width),
  }
  for (let tag = 0; tag < rows.width; tag++) {
    const series = { values: standard, width: rows.width, tag }
    setWeights(filters, series, fitPrediction(series, segments))
    const finest = Math.max(FINEST, (resolutions[tag] ?? 0) / (scaling.scale[tag] ?? 1))
    for (const measure of MEASURES) setLimit(filters[measure], series, { ends, finest })
  }
  return { ...scaling, width: rows.width, filters }
}

function createFilter(width: number): Filter {
  return { weights: new Float64Array(ONE_TAG_ROWS * width), offset: new Float64Array(width) }
}

function standardise({ values, width }: Rows, { mean, scale }: Scaling): Float64Array {
  return values.map((value, i) => {
    const z = (value - (mean[i % width] ?? 0)) / (scale[i % width] ?? 1)
    return Math.min(CLIP, Math.max(-CLIP, z))
  })
}

/** Last rows of the windows that lie wholly in one segment. */
function windowEnds(segments: Segments): number[] {
  const ends: number[] = []
  for (const [from, to] of segments)
    for (let end = from + ONE_TAG_ROWS - 1; end < to; end++) ends.push(end)
  return ends
}

interface Series {
  values: Float64Array
  width: number
  tag: number
}

/** Least squares of a row on its ten predecessors and a constant: [constant, the row before, the one before that, ...]. */
function fitPrediction({ values, width, tag }: Series, segments: Segments): number[] {
  const size = ORDER + 1
  const left = Matrix.zeros(size, size)
  const right = Matrix.zeros(size, 1)
  const known = new Float64Array(size)
  let count = 0
  for (const [from, to] of segments)
    for (let row = from + ORDER; row < to; row++, count++) {
      known[0] = 1
      for (let lag = 1; lag < size; lag++) known[lag] = values[(row - lag) * width + tag] ?? 0
      const value = values[row * width + tag] ?? 0
      for (let i = 0; i < size; i++) {
        right.set(i, 0, right.get(i, 0) + (known[i] ?? 0) * value)
        for (let j = 0; j < size; j++)
          left.set(i, j, left.get(i, j) + (known[i] ?? 0) * (known[j] ?? 0))
      }
    }
  for (let i = 0; i < size; i++) left.set(i, i, left.get(i, i) + RIDGE * count)
  return solve(left, right).to1DArray()
}

function setWeights(
  { surprise, level, shift }: OneTag['filters'],
  { width, tag }: Series,
  prediction: readonly number[],
): void {
  const last = ONE_TAG_ROWS - 1
  surprise.weights[last * width + tag] = 1
  level.weights[last * width + tag] = 1
  surprise.offset[tag] = -(prediction[0] ?? 0)
  for (let lag = 1; lag <= ORDER; lag++)
    surprise.weights[(last - lag) * width + tag] = -(prediction[lag] ?? 0)
  for (let t = 0; t < ONE_TAG_ROWS; t++)
    shift.weights[t * width + tag] = t < EARLIER_ROWS ? -1 / EARLIER_ROWS : 1 / RECENT_ROWS
}

/** Divides the tag's weights by the quantile of what they give on its own history. */
function setLimit(
  filter: Filter,
  { values, width, tag }: Series,
  { ends, finest }: { ends: readonly number[]; finest: number },
): void {
  const own = ends.map((end) => Math.abs(applyFilter(filter, { values, width, tag }, end)))
  const limit = Math.max(finest, MARGIN * quantile(own, QUANTILE))
  filter.offset[tag] = (filter.offset[tag] ?? 0) / limit
  for (let i = tag; i < filter.weights.length; i += width)
    filter.weights[i] = (filter.weights[i] ?? 0) / limit
}

function applyFilter({ weights, offset }: Filter, series: Series, end: number): number {
  const { values, width, tag } = series
  const first = end - ONE_TAG_ROWS + 1
  let sum = offset[tag] ?? 0
  for (let t = 0; t < ONE_TAG_ROWS; t++)
    sum += (weights[t * width + tag] ?? 0) * (values[(first + t) * width + tag] ?? 0)
  return sum
}

/**
 * Scores every window that lies wholly in one segment; `ends[i]` is the last row of window i. A contribution is the
 * largest of the tag's three ratios, negative when the tag is low; the score is the largest contribution of any tag.
 */
export function scoreOneTag(detector: OneTag, rows: Rows, segments: Segments) {
  const { width, filters } = detector
  const values = standardise(rows, detector)
  const ends = windowEnds(segments)
  const scores = ends.map((end): Score => {
    const contributions = Float64Array.from({ length: width }, (_, tag) => {
      const ratios = MEASURES.map((name) => applyFilter(filters[name], { values, width, tag }, end))
      const high = Math.max(...ratios)
      const low = Math.min(...ratios)
      return high > -low ? high : low
    })
    return { score: Math.max(...contributions.map(Math.abs)), contributions }
  })
  return { ends, scores }
}
