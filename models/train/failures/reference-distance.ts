/** How far a window is from every window that was labelled: the judge of "none of the known ones". */

/** Largest count of windows kept per class: the graph holds all of them. */
const MAX_REFERENCES = 150
/** A feature that is the same in all windows of all classes still may differ by this much. */
const LEAST_SCATTER = 0.3
/** Cases that were held out are nearer than the limit in three of four; the limit stands this far above them at most. */
const KNOWN_SHARE = 0.75
const LIMIT_MARGIN = 1.5
/** And below nine of ten cases of other modes. */
const ALIEN_SHARE = 0.1

/** A window as the trainer sees it. */
export interface Example {
  /** The case, or the normal stretch, that the window is of. */
  stretch: string
  /** Class number: 0 is normal operation, then the modes. */
  label: number
  /** Features in deviations of the machine's own normal. */
  features: Float32Array
}

/** Windows by class; `[rows, width]` compressed and divided by the scatter. */
export interface References {
  width: number
  scatter: Float64Array
  /** One per class, in order. */
  points: Float64Array[][]
}

/** A severe fault is no other fault: large deviations are compressed before they are compared. */
export function createReferences(examples: readonly Example[], classes: number): References {
  const width = examples[0]?.features.length ?? 0
  const compressed = examples.map((one) => Float64Array.from(one.features, Math.asinh))
  const groups = Array.from({ length: classes }, (_, label) =>
    compressed.filter((_, i) => examples[i]?.label === label),
  )
  const scatter = new Float64Array(width)
  for (let feature = 0; feature < width; feature++)
    scatter[feature] = Math.max(LEAST_SCATTER, ...groups.map((group) => spreadOf(group, feature)))
  const points = groups.map((group) => thin(group).map((point) => divide(point, scatter)))
  return { width, scatter, points }
}

/** To the nearest window of each class. */
export function findDistances({ scatter, points }: References, features: Float32Array): number[] {
  const own = divide(Float64Array.from(features, Math.asinh), scatter)
  return points.map((group) => Math.min(...group.map((point) => distance(own, point))))
}

/**
 * Beyond it a window is of no known mode: above what held-out cases have to their own mode, below what cases of other
 * modes have to it.
 */
export function findLimit(own: readonly number[], alien: readonly number[]): number {
  const known = pick(own, KNOWN_SHARE)
  const high = LIMIT_MARGIN * known
  if (alien.length === 0) return high
  const other = pick(alien, ALIEN_SHARE)
  return other > known ? Math.min(high, Math.sqrt(known * other)) : known
}

/** The fourth power lets a few tags that are far off speak louder than many that are near. */
function distance(one: Float64Array, other: Float64Array): number {
  let sum = 0
  for (let i = 0; i < one.length; i++) {
    const square = ((one[i] as number) - (other[i] as number)) ** 2
    sum += square * square
  }
  return Math.sqrt(Math.sqrt(sum / Math.max(1, one.length)))
}

function spreadOf(group: readonly Float64Array[], feature: number): number {
  const values = group.map((point) => point[feature] ?? 0)
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / Math.max(1, values.length))
}

/** Evenly, in the order they came. */
function thin(group: readonly Float64Array[]): Float64Array[] {
  const step = Math.max(1, group.length / MAX_REFERENCES)
  const count = Math.min(MAX_REFERENCES, group.length)
  return Array.from({ length: count }, (_, i) => group[Math.floor(i * step)] as Float64Array)
}

const divide = (point: Float64Array, scatter: Float64Array) =>
  point.map((value, i) => value / (scatter[i] as number))

/** Nearest rank. */
function pick(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.POSITIVE_INFINITY
}
