/** Mean, scale, resolution and drift of each tag over the normal rows. */
import type { Rows } from './grid.ts'

/** A constant tag that wakes up must be seen, but not at the first digit: a thousandth of its size. */
const CONSTANT_SHARE = 1e-3
/** What was always 0 has no size: any change of it is news, whatever its unit. */
const ZERO_SCALE = 1e-12
/** A tag that rests most of the time and jumps now and then would have a tiny deviation: at least this of its range. */
const RANGE_SHARE = 0.02
/** Blocks and limit of the slow-drift rule. */
const DRIFT_BLOCKS = 4
const DRIFT_LIMIT = 0.3
/** Steps below this part of the range are noise of decimal conversion. */
const STEP_NOISE = 1e-9
/** Steps finer than this part of the range come from a computation in double precision, from no instrument. */
export const COMPUTED_SHARE = 1e-6

export interface Scaling {
  mean: Float64Array
  scale: Float64Array
  /** Some tag needs more digits than float32 has: windows are float64. */
  exact: boolean
}

/** A rounding to float32 coarser than this part of a deviation would be noise that the relations feel. */
const COARSE_SHARE = 0.01
const FLOAT32_STEP = 2 ** -23
/** Numbers beyond these are infinite or lose digits in float32. */
const FLOAT32_RANGE = { low: 1e-36, high: 1e36 }

/** Whether float32 is too coarse for a value of that size which moves by that scale. */
export function isTooFine(size: number, scale: number): boolean {
  const isFar = size > FLOAT32_RANGE.high || scale < FLOAT32_RANGE.low
  return isFar || size * FLOAT32_STEP > COARSE_SHARE * scale
}

/** Whether some tag is an offset with a small movement on top (1e6 ± 0.1), or very large or small, so that float32 would spoil it. */
export function needsDouble(rows: Rows, segments: Segments): boolean {
  const { scale } = createScaling({ ...rows, exact: true }, segments)
  return Array.from(scale).some((own, tag) => {
    const { low, high } = extent(column(rows, tag, segments))
    return isTooFine(Math.max(Math.abs(low), Math.abs(high)), own)
  })
}

type Segments = readonly (readonly [number, number])[]

/** The values of one tag in the segments, in order. */
function column(rows: Rows, tag: number, segments: Segments): Float64Array {
  const size = segments.reduce((sum, [from, to]) => sum + to - from, 0)
  const values = new Float64Array(size)
  let i = 0
  for (const [from, to] of segments)
    for (let row = from; row < to; row++) values[i++] = rows.values[row * rows.width + tag] ?? 0
  return values
}

function moments(values: Float64Array): { mean: number; variance: number } {
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / values.length
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return { mean, variance: squares / values.length }
}

export function extent(values: Float64Array): { low: number; high: number } {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return { low, high }
}

/**
 * Mean and scale per tag: constant tags get a thousandth of their size (next to nothing at 0), others at least 2 % of their range. Both are
 * float32 numbers where the rows are, as in the graph.
 */
export function createScaling(rows: Rows, segments: Segments): Scaling {
  const { exact = false } = rows
  const narrow = exact ? (value: number) => value : Math.fround
  const mean = new Float64Array(rows.width)
  const scale = new Float64Array(rows.width)
  for (let tag = 0; tag < rows.width; tag++) {
    const values = column(rows, tag, segments)
    const { low, high } = extent(values)
    const { mean: middle, variance } = moments(values)
    const constant = low === high
    const size = Math.max(Math.abs(low), Math.abs(high))
    mean[tag] = narrow(constant ? low : middle)
    const spread = constant
      ? CONSTANT_SHARE * size || ZERO_SCALE
      : Math.max(Math.sqrt(variance), RANGE_SHARE * (high - low))
    scale[tag] = narrow(spread)
  }
  return { mean, scale, exact }
}

/** The smallest step between two different values of each tag; 0 for a constant tag, and for a state of two values: it is not rounded. */
export function findResolutions(rows: Rows, segments: Segments): Float64Array {
  return Float64Array.from({ length: rows.width }, (_, tag) => {
    const values = column(rows, tag, segments).sort()
    const noise = ((values.at(-1) ?? 0) - (values[0] ?? 0)) * STEP_NOISE
    let smallest = Number.POSITIVE_INFINITY
    let steps = 0
    for (let i = 1; i < values.length; i++) {
      const step = (values[i] ?? 0) - (values[i - 1] ?? 0)
      if (step <= noise) continue
      steps++
      if (step < smallest) smallest = step
    }
    return steps > 1 ? smallest : 0
  })
}

/** Tags whose steps are so fine that they were computed, not measured. */
export function findComputed(rows: Rows, segments: Segments, steps: Float64Array): number[] {
  return Array.from(steps.keys()).filter((tag) => {
    const { low, high } = extent(column(rows, tag, segments))
    return high > low && (steps[tag] ?? 0) < COMPUTED_SHARE * (high - low)
  })
}

/**
 * The step that stands for a value one row off: uniform over this step has `share` of the mean square change from row
 * to row as its variance. Matters for tags with steep edges, which live sampling never hits at the same instant twice.
 */
export function findTimingSteps(rows: Rows, segments: Segments, share: number): Float64Array {
  return Float64Array.from({ length: rows.width }, (_, tag) => {
    const values = column(rows, tag, segments)
    let squares = 0
    for (let i = 1; i < values.length; i++)
      squares += ((values[i] ?? 0) - (values[i - 1] ?? 0)) ** 2
    return Math.sqrt((12 * share * squares) / Math.max(1, values.length - 1))
  })
}

/** True per tag whose level wanders: the means of four blocks vary by 0.3 of the variance within a block. */
export function findSlowDrift(rows: Rows, segments: Segments): boolean[] {
  return Array.from({ length: rows.width }, (_, tag) => {
    const values = column(rows, tag, segments)
    const { low, high } = extent(values)
    if (low === high) return false
    const blocks = Array.from({ length: DRIFT_BLOCKS }, (_, block) => {
      const from = Math.floor((values.length * block) / DRIFT_BLOCKS)
      return moments(
        values.subarray(from, Math.floor((values.length * (block + 1)) / DRIFT_BLOCKS)),
      )
    })
    const within = blocks.reduce((sum, { variance }) => sum + variance, 0) / DRIFT_BLOCKS
    return moments(Float64Array.from(blocks, ({ mean }) => mean)).variance >= DRIFT_LIMIT * within
  })
}
