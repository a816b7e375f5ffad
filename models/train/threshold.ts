/** The alarm threshold from blocks the detector has not seen: in-sample thresholds alarm all the time. */
import { median, quantile } from '../quantiles.ts'
import { fitDetector, ROWS_PER_DIMENSION, type Segments, scoreSegments } from './detector.ts'
import type { Rows } from './grid.ts'
import { reportPhase, type TrainRun } from './train-options.ts'

/** Few and long: each leaves a different quarter of the operation unseen. */
const BLOCKS = 4
/** With few rows per dimension the fits without a block are so much worse than the final one that more blocks pay. */
const MAX_BLOCKS = 8
export const QUANTILE = 0.99
/** The factor above the median of the blocks' quantiles. */
export const MARGIN = 1.15

export interface Calibration {
  threshold: number
  /** The 99 % quantile of each held-out block. */
  quantiles: number[]
  /** Share of held-out windows above the threshold. */
  falseShare: number
}

interface FitOptions {
  lags: number
  resolutions: Float64Array
  /** Windows that count, by their last row; all when left out. */
  isOwn?: (end: number) => boolean
  /** A factor more on the threshold. */
  margin?: number
  /** Who watches. */
  run?: TrainRun
}

/** Fits without each block in turn and scores it; undefined when no block is long enough for a window. */
export async function calibrate(
  rows: Rows,
  segments: Segments,
  options: FitOptions,
): Promise<Calibration | undefined> {
  const { isOwn = () => true, margin = 1 } = options
  const held: number[][] = []
  const blocks = splitBlocks(segments, chooseBlocks(rows.width, segments, options))
  for (const [block, [from, to]] of blocks.entries()) {
    const phase = `held-out block ${block + 1} of ${blocks.length}`
    await reportPhase(options.run ?? {}, phase, 0.1 + (0.7 * block) / blocks.length)
    const inside = clipSegments(segments, (a, b) => [Math.max(a, from), Math.min(b, to)])
    const before = clipSegments(segments, (a, b) => [a, Math.min(b, from)])
    const after = clipSegments(segments, (a, b) => [Math.max(a, to), b])
    const detector = fitDetector(rows, [...before, ...after], options)
    const { ends, scores: all } = scoreSegments(detector, rows, inside)
    const scores = all.flatMap(({ score }, i) => (isOwn(ends[i] ?? -1) ? [score] : []))
    if (scores.length > 0) held.push(scores)
  }
  if (held.length === 0) return undefined
  const quantiles = held.map((scores) => quantile(scores, QUANTILE))
  const threshold = MARGIN * margin * median(quantiles)
  const all = held.flat()
  return { threshold, quantiles, falseShare: all.filter((s) => s > threshold).length / all.length }
}

/** As few blocks as leave each fit the rows that its dimensions want. */
function chooseBlocks(width: number, segments: Segments, { lags }: FitOptions): number {
  const wanted = ROWS_PER_DIMENSION * width * (lags + 1)
  const spare = 1 - wanted / countRows(segments)
  return spare <= 1 / MAX_BLOCKS ? MAX_BLOCKS : Math.max(BLOCKS, Math.ceil(1 / spare))
}

function countRows(segments: Segments): number {
  return segments.reduce((sum, [from, to]) => sum + to - from, 0)
}

/** Cuts the complete rows into blocks of equal count, as row bounds [from, to). */
function splitBlocks(segments: Segments, blocks: number): [number, number][] {
  const total = countRows(segments)
  const bounds = Array.from({ length: blocks + 1 }, (_, block) =>
    rowAt(segments, Math.floor((total * block) / blocks)),
  )
  return bounds.slice(1).map((to, i) => [bounds[i] ?? 0, to])
}

/** The row number of the n-th complete row. */
function rowAt(segments: Segments, n: number): number {
  let rest = n
  for (const [from, to] of segments) {
    if (rest < to - from) return from + rest
    rest -= to - from
  }
  return segments.at(-1)?.[1] ?? 0
}

function clipSegments(
  segments: Segments,
  clip: (from: number, to: number) => [number, number],
): [number, number][] {
  return segments.map(([from, to]) => clip(from, to)).filter(([from, to]) => to > from)
}
