/** Golden vectors: windows with the outputs the trainer expects, so that any runtime can be checked anywhere. */
import type { Score } from './detector.ts'
import type { Fitted } from './fitted.ts'
import type { Rows } from './grid.ts'

export interface Golden {
  /** Largest allowed |got - expected| / max(1, |expected|). */
  tolerance: number
  vectors: {
    /** T rows of p raw values. */
    window: number[][]
    score: number
    ratio: number
    contributions: number[]
  }[]
}

export const GOLDEN_TOLERANCE = 1e-3
const NORMAL_VECTORS = 4
/** Disturbed vectors: one tag moved by this many scales. */
const DISTURBANCES = [3, -30, 500]

export interface GoldenInput {
  detector: Fitted
  rows: Rows
  /** Last rows of complete windows. */
  ends: readonly number[]
  threshold: number
  seed: number
}

/** A few normal windows and a few with one tag moved, chosen by the seed; expectations in float64 of float32 inputs. */
export function createGolden({ detector, rows, ends, threshold, seed }: GoldenInput): Golden {
  const random = createRandom(seed)
  const vectors: Golden['vectors'] = []
  for (let i = 0; i < NORMAL_VECTORS + DISTURBANCES.length; i++) {
    const window = cutWindow(detector, rows, ends[Math.floor(random() * ends.length)] ?? 0)
    const move = DISTURBANCES[i - NORMAL_VECTORS]
    if (move !== undefined)
      disturb(detector, window, { tag: Math.floor(random() * rows.width), move })
    const { score, contributions } = scoreWindow(detector, window)
    vectors.push({
      window: toRows(window.values, rows.width),
      score,
      ratio: score / threshold,
      contributions: Array.from(contributions),
    })
  }
  return { tolerance: GOLDEN_TOLERANCE, vectors }
}

/** The trainer's own answer for one window. */
export function scoreWindow(detector: Fitted, window: Rows): Score {
  const [first] = detector.score(window, [[0, window.count]]).scores
  return first ?? { score: Number.NaN, contributions: new Float64Array(window.width) }
}

/** The window ending at a row, as what the graph gets: float32 values unless the rows are exact. */
export function cutWindow(detector: Fitted, rows: Rows, end: number): Rows {
  const count = detector.windowRows
  const from = (end - count + 1) * rows.width
  const own = rows.values.slice(from, from + count * rows.width)
  const values = rows.exact ? own : own.map(Math.fround)
  return { ...rows, count, values }
}

function disturb(
  { scale, exact }: Fitted,
  { values, width }: Rows,
  { tag, move }: { tag: number; move: number },
): void {
  const narrow = exact ? (value: number) => value : Math.fround
  for (let i = tag; i < values.length; i += width)
    values[i] = narrow((values[i] ?? 0) + move * (scale[tag] ?? 1))
}

function toRows(values: Float64Array, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, row) =>
    Array.from(values.subarray(row * width, (row + 1) * width)),
  )
}

/** mulberry32: small, seeded, the same everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
