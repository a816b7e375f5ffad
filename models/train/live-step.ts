/** Notices that live values come in coarser steps than the training's, and makes the model anew for them. */
import { type Manifest, sha256Hex } from '../manifest.ts'
import { fitDetector, SCORE_ROWS } from './detector.ts'
import { encodeDetector } from './detector-graph.ts'
import { findSegments, type Rows } from './grid.ts'
import { COMPUTED_SHARE, extent } from './scaling.ts'
import { calibrate } from './threshold.ts'
import type { TrainRun } from './train-options.ts'

/** The steps are judged every few rows at first, then whenever their number has doubled; always from the first row on. */
const CHECK_EVERY_ROWS = 8
const DENSE_ROWS = 128
const LAST_CHECK_ROWS = 1024
/** How long a score may wait for the steps to become clear. */
const MAX_WAIT_ROWS = 64
/** As many different values as this part of the fewest that training rows of that number ever had: coarser. */
const DISTINCT_SHARE = 0.5
/** A value must have come back so often: a sensor that froze and moved on has few values too, but never returns. */
const MIN_RETURNS = 3
/** The training must have so many stretches of that length to tell what is usual. */
const MIN_STRETCHES = 4
/** A tag that rested for so many rows, beside so many coarser ones, rests within a step. */
const RESTING_ROWS = 56
const MIN_COARSE = 3
/** Nor may the one value be farther from the training than this many of its ranges. */
const MAX_FARTHEST = 3
/** A step that is finer than this many times the one the model knows is the same step. */
const COARSER = 1.5

/** Live steps by tag name, in the tag's own unit. */
export type Steps = Readonly<Record<string, number>>

export interface StepWatch {
  /** One grid row, NaN where a value is not known; answers the steps when some are coarser than the model was made for. */
  accept(row: ArrayLike<number>): Steps | undefined
  /**
   * False in the first rows while a tag shows fewer values than it should and it is not yet clear why, or while too few
   * are seen of one that was trained with computed digits: a score would be an answer to rounding. At most 64 rows.
   */
  isSettled(): boolean
}

/**
 * Watches the first live rows of one asset; only rows that have been seen count. Without kept training rows there is
 * nothing to compare with, and it stays silent. Constant tags and states have no steps. Only orders and differences of values count: units do not matter.
 */
export function createStepWatch({ tags }: Manifest, normal: Rows | undefined): StepWatch {
  const watched = tags.flatMap(({ name, scale, step = 0 }, tag): WatchedTag[] => {
    if (!normal || step === 0) return []
    const usual = knownValues(normal, tag)
    return [
      { name, tag, scale, step, usual, live: [], isOpen: isComputed(step, usual), isCoarse: false },
    ]
  })
  let rows = 0
  return {
    accept(row) {
      if (rows >= LAST_CHECK_ROWS) return undefined
      rows++
      for (const { tag, live } of watched) {
        const value = row[tag] ?? Number.NaN
        if (!Number.isNaN(value)) live.push(value)
      }
      if (!isCheckRow(rows)) return undefined
      const found: [string, number][] = []
      for (const tag of watched) {
        const step = findCoarserStep(tag) ?? findRestingStep(tag, watched)
        if (step === undefined || step <= COARSER * tag.step) continue
        tag.isCoarse = true
        tag.step = step
        found.push([tag.name, step])
      }
      return found.length > 0 ? Object.fromEntries(found) : undefined
    },
    isSettled: () => rows >= MAX_WAIT_ROWS || !watched.some(({ isOpen }) => isOpen),
  }
}

function isCheckRow(rows: number): boolean {
  if (rows <= DENSE_ROWS) return rows % CHECK_EVERY_ROWS === 0
  return Number.isInteger(Math.log2(rows))
}

interface WatchedTag {
  name: string
  /** Its place in the row. */
  tag: number
  scale: number
  step: number
  usual: Float64Array
  live: number[]
  /** It is not clear yet whether live values are as fine as the training's. */
  isOpen: boolean
  /** It was found to be coarser. */
  isCoarse: boolean
}

/** Below this part of the scale a step drowns in the ridge that every tag has: 12 * 1e-3, and its root. */
const matters = (share: number): boolean => share > Math.sqrt(0.012)

/** Steps finer than a millionth of the range come from a computation, not from an instrument. */
function isComputed(step: number, usual: Float64Array): boolean {
  const { low, high } = extent(usual)
  return high > low && step < COMPUTED_SHARE * (high - low)
}

function knownValues({ values, width, count }: Rows, tag: number): Float64Array {
  const column = new Float64Array(count)
  let known = 0
  for (let row = 0; row < count; row++) {
    const value = values[row * width + tag] ?? Number.NaN
    if (!Number.isNaN(value)) column[known++] = value
  }
  return column.subarray(0, known)
}

/** The smallest difference of the live values when they are far fewer than any training stretch of that length had. */
function findCoarserStep(tag: WatchedTag): number | undefined {
  const { live, usual, scale } = tag
  if (live.length < CHECK_EVERY_ROWS || usual.length < MIN_STRETCHES * live.length) return undefined
  const different = [...new Set(live)].sort((a, b) => a - b)
  const step = different.slice(1).reduce((least, value, i) => {
    return Math.min(least, value - (different[i] ?? 0))
  }, Number.POSITIVE_INFINITY)
  tag.isOpen = matters(step / scale) && isPoor(different.length, live.length, usual)
  if (!tag.isOpen) return undefined
  const changes = live.filter((value, i) => i > 0 && value !== live[i - 1]).length
  if (different.length < 2 || changes - (different.length - 1) < MIN_RETURNS) return undefined
  tag.isOpen = false
  return step
}

/**
 * A tag that never rested in training and shows one value only is either stuck, or rests within one step. Where several
 * others have turned out coarser the file or the link rounds, so it is the second: the step is at least what makes all of
 * its training this one value. One value that lies beyond what a rounding explains stays a fault.
 */
function findRestingStep(tag: WatchedTag, all: readonly WatchedTag[]): number | undefined {
  const { live, usual, isOpen } = tag
  const [value = Number.NaN] = live
  if (!isOpen || live.length < RESTING_ROWS || live.some((one) => one !== value)) return undefined
  if (all.filter(({ isCoarse }) => isCoarse).length < MIN_COARSE) return undefined
  const { low, high } = extent(usual)
  const farthest = Math.max(Math.abs(high - value), Math.abs(value - low))
  return farthest <= MAX_FARTHEST * (high - low) ? 2 * farthest : undefined
}

/** Whether no training stretch of that length had so few different values. */
function isPoor(different: number, length: number, usual: Float64Array): boolean {
  for (let from = 0; from + length <= usual.length; from += length) {
    const own = new Set(usual.subarray(from, from + length)).size
    if (different > DISTINCT_SHARE * own) return false
  }
  return true
}

export interface AdaptedModel {
  manifest: Manifest
  bytes: Uint8Array
}

/**
 * The model for coarser live steps: graph and threshold from the kept rows, as the trainer would have made them had it
 * been told. Takes as long as a training without its checks (seconds). Undefined when it is not of the kind that can.
 */
export async function adaptToSteps(
  manifest: Manifest,
  normal: Rows,
  { steps, run }: { steps: Steps; run?: TrainRun },
): Promise<AdaptedModel | undefined> {
  if (manifest.kind !== 'multivariate') return undefined
  const tags = manifest.tags.map((tag) => ({
    ...tag,
    step: Math.max(tag.step ?? 0, Object.hasOwn(steps, tag.name) ? (steps[tag.name] ?? 0) : 0),
  }))
  const lags = manifest.windowRows - SCORE_ROWS
  const segments = findSegments(normal)
  const resolutions = Float64Array.from(tags, ({ step }) => step)
  const calibration = await calibrate(normal, segments, { lags, resolutions, run })
  if (!calibration) return undefined
  const { threshold } = calibration
  const detector = fitDetector(normal, segments, { lags, resolutions })
  const names = JSON.stringify(tags.map(({ name }) => name))
  const bytes = encodeDetector(detector, threshold, {
    name: manifest.name,
    tags: names,
    trainingHash: manifest.training.hash,
    threshold: `${threshold}`,
    liveSteps: JSON.stringify(steps),
  })
  const files = { ...manifest.files, 'model.onnx': sha256Hex(bytes) }
  return { manifest: { ...manifest, tags, threshold, files }, bytes }
}
