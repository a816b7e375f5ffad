/** Features of a window of rows, in deviations of the machine's own normal windows, so that machines of a kind can be compared. */
import { nearestQuantile } from '../../quantiles.ts'

/** Rows of one window: a minute at a row a second, a load cycle of most machines. */
export const WINDOW_ROWS = 60
/** A case or an alarm is looked at in so many windows at most, evenly spread. */
export const MAX_WINDOWS = 8
/** The part of an alarm that counts: what a machine does days later is another story. */
const MAX_STRETCH_ROWS = 3_600
/** With fewer rows of a tag nothing is said: a guess from half a window is none. */
const LEAST_SHARE = 0.75
const FIGURES = ['mean', 'std', 'q10', 'q90', 'slope'] as const
export const FEATURES_PER_TAG = FIGURES.length

/** How the features are made, in words for the manifest. */
export const WINDOW_FEATURE_RULE =
  'Per tag, over the rows of the window: mean; std; q10 and q90 (nearest rank); slope (least squares, per window). Each ' +
  'less its mean over normal windows of the machine, divided by its spread over them. A window in which a tag has less ' +
  'than three quarters of its rows says nothing.'
/** A feature spreads by this part of what its tag does within a window at least: three calm windows are no proof. */
const LEAST_SPREAD = 0.05

/** What a feature is in normal windows of one machine. */
export interface OwnNormal {
  mean: number
  scale: number
}

/** `[rows, width]`, row by row, NaN where nothing good was read. */
export interface WindowRows {
  width: number
  values: Float64Array
}

export interface Span {
  from: number
  to: number
}

/** Ends of the windows of an alarm, oldest first: the first when half of it is the alarm's, the last at its end. */
export function findWindowEnds({ from, to }: Span, periodMs: number): number[] {
  const half = (WINDOW_ROWS / 2) * periodMs
  const first = Math.max(from + half, to - MAX_STRETCH_ROWS * periodMs)
  if (first >= to) return [to]
  const count = Math.min(MAX_WINDOWS, 1 + Math.floor((to - first) / half))
  if (count === 1) return [to]
  return Array.from({ length: count }, (_, i) => first + ((to - first) * i) / (count - 1))
}

/** Rows on a fixed grid: the window that ends at an instant, NaN where the rows do not reach. */
export function cutWindow(
  { width, values, startAt, periodMs }: WindowRows & { startAt: number; periodMs: number },
  end: number,
): Float64Array {
  const window = new Float64Array(WINDOW_ROWS * width).fill(Number.NaN)
  const last = Math.floor((end - startAt) / periodMs)
  for (let row = 0; row < WINDOW_ROWS; row++) {
    const from = (last - WINDOW_ROWS + 1 + row) * width
    if (from < 0 || from + width > values.length) continue
    window.set(values.subarray(from, from + width), row * width)
  }
  return window
}

/** How much of an alarm's beginning is learned from. */
export function cutStretch({ from, to }: Span, periodMs: number): Span {
  return { from, to: Math.min(to, from + MAX_STRETCH_ROWS * periodMs) }
}

/** Names of the features, in their order. */
export function nameWindowFeatures(tags: readonly string[]): string[] {
  return tags.flatMap((tag) => FIGURES.map((figure) => `${figure}(${tag})`))
}

/** Of raw features of normal windows, `[windows][F]`. */
export function findOwnNormal(windows: readonly Float64Array[]): OwnNormal[] {
  const width = windows[0]?.length ?? 0
  const normal: OwnNormal[] = []
  for (let first = 0; first < width; first += FEATURES_PER_TAG) {
    const [mean, std] = [0, 1].map((i) => average(windows.map((one) => one[first + i] ?? 0)))
    const least = Math.max(LEAST_SPREAD * (std ?? 0), 1e-4 * Math.abs(mean ?? 0), 1e-6)
    for (let feature = first; feature < first + FEATURES_PER_TAG; feature++) {
      const own = windows.map((one) => one[feature] ?? 0)
      normal.push({ mean: average(own), scale: Math.max(least, spread(own)) })
    }
  }
  return normal
}

/** Raw features in deviations of the machine's own normal. */
export function standardise(raw: Float64Array, normal: readonly OwnNormal[]): Float32Array {
  return Float32Array.from(raw, (value, i) => {
    const { mean, scale } = normal[i] ?? { mean: 0, scale: 1 }
    return (value - mean) / scale
  })
}

/** Whether a tag has rows enough to say anything. */
export function hasEnough({ width, values }: WindowRows, tag: number): boolean {
  let count = 0
  for (let at = tag; at < values.length; at += width) if (!Number.isNaN(values[at])) count++
  return count >= LEAST_SHARE * WINDOW_ROWS
}

/** The features in the tags' own units, or the first tag that has too few rows. */
export function measureWindow({
  width,
  values,
}: WindowRows): { features: Float64Array } | { tag: number } {
  const features = new Float64Array(width * FEATURES_PER_TAG)
  for (let tag = 0; tag < width; tag++) {
    if (!hasEnough({ width, values }, tag)) return { tag }
    const own: number[] = []
    const places: number[] = []
    for (let at = tag, row = 0; at < values.length; at += width, row++) {
      const value = values[at] ?? Number.NaN
      if (Number.isNaN(value)) continue
      own.push(value)
      places.push((row + 0.5) / WINDOW_ROWS)
    }
    features.set(measureTag(own, places), tag * FEATURES_PER_TAG)
  }
  return { features }
}

function measureTag(own: readonly number[], places: readonly number[]): number[] {
  const mean = average(own)
  const sorted = [...own].sort((a, b) => a - b)
  const quantile = (share: number) => nearestQuantile(sorted, share) ?? 0
  const middle = average(places)
  let sum = 0
  let squares = 0
  own.forEach((value, i) => {
    const off = (places[i] ?? 0) - middle
    sum += off * (value - mean)
    squares += off ** 2
  })
  const slope = squares > 0 ? sum / squares : 0
  return [mean, spread(own), quantile(0.1), quantile(0.9), slope]
}

function spread(values: readonly number[]): number {
  const mean = average(values)
  return Math.sqrt(average(values.map((value) => (value - mean) ** 2)))
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
