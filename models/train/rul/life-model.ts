/** The remaining-life model: fitted on run-to-failure histories, checked on units held out, with an interval from those. */
import { createRandom } from '../golden.ts'
import { createFeatures, FEATURES_PER_TAG, type Life } from './life-features.ts'
import { createInterval, interpolate, type LifeInterval } from './life-interval.ts'
import {
  fitRidge,
  HIDDEN,
  type Inputs,
  joinRidges,
  predictRidge,
  type Ridge,
} from './random-feature-ridge.ts'

/** Rows to the end beyond which a machine is simply healthy. */
export const CAP_ROWS = 125
/** Independent draws of 200 random features; their mean is a twentieth better than one draw, and less a matter of luck. */
const DRAWS = 5
const FOLDS = 10
/** Rows to fit on at most, thinned evenly: neighbours in time say the same. */
const MAX_FIT_ROWS = 8000

/** A fitted model; everything in rows (steps). */
export interface LifeModel {
  ridge: Ridge
  interval: LifeInterval
  cap: number
}

export interface LifeEstimate {
  rul: number
  low: number
  high: number
}

export interface LifeFitOptions {
  seed: number
  /** Random features per draw; 0 is a linear model. */
  hidden?: number
  draws?: number
}

/** Predictions for every row of every life, each by a model that has not seen the life. */
export interface HeldOut {
  predicted: Float64Array
  actual: Float64Array
  fold: Uint8Array
}

export interface LifeMetrics {
  rmse: number
  /** Share of rows whose true remaining life lies in an interval made without their fold. */
  coverage90: number
  /** Mean width of the interval. */
  width: number
  folds: number
}

/** Same lives, same seed, same model. */
export function fitLifeModel(
  lives: readonly Life[],
  options: LifeFitOptions,
): { model: LifeModel; metrics: LifeMetrics } {
  const features = lives.map((life) => createFeatures(life))
  const heldOut = crossValidate({ lives, features }, options)
  const ridge = fitDraws({ lives, features }, options)
  const model = { ridge, interval: createInterval(heldOut), cap: CAP_ROWS }
  return { model, metrics: measure(heldOut) }
}

interface Prepared {
  lives: readonly Life[]
  /** One table of features per life. */
  features: readonly Float64Array[]
}

/** Whole units are held out, in folds drawn by the seed. */
function crossValidate({ lives, features }: Prepared, options: LifeFitOptions): HeldOut {
  const folds = Math.min(FOLDS, lives.length)
  const foldOf = drawFolds(lives.length, folds, options.seed)
  const predicted: number[] = []
  const actual: number[] = []
  const fold: number[] = []
  for (let out = 0; out < folds; out++) {
    const pick = <T>(list: readonly T[], inside: boolean) =>
      list.filter((_, i) => (foldOf[i] === out) === inside)
    const ridge = fitDraws({ lives: pick(lives, false), features: pick(features, false) }, options)
    const own = pick(features, true)
    pick(lives, true).forEach((life, i) => {
      const inputs = { rows: life.count, width: sizeOf(life), values: own[i] ?? new Float64Array() }
      predictRidge(ridge, inputs).forEach((value, row) => {
        predicted.push(clip(value, CAP_ROWS))
        actual.push(Math.min(CAP_ROWS, life.count - 1 - row))
        fold.push(out)
      })
    })
  }
  return {
    predicted: Float64Array.from(predicted),
    actual: Float64Array.from(actual),
    fold: Uint8Array.from(fold),
  }
}

function drawFolds(count: number, folds: number, seed: number): number[] {
  const random = createRandom(seed)
  const drawn = Array.from({ length: count }, (_, i) => ({ i, at: random() }))
  drawn.sort((a, b) => a.at - b.at)
  const foldOf = new Array<number>(count)
  drawn.forEach(({ i }, place) => {
    foldOf[i] = place % folds
  })
  return foldOf
}

const sizeOf = (life: Life) => life.width * FEATURES_PER_TAG + 1

function fitDraws({ lives, features }: Prepared, options: LifeFitOptions): Ridge {
  const total = lives.reduce((sum, life) => sum + life.count, 0)
  const every = Math.ceil(total / MAX_FIT_ROWS)
  const width = sizeOf(lives[0] ?? { unit: '', count: 0, width: 0, values: new Float64Array() })
  const target: number[] = []
  const values = new Float64Array((Math.ceil(total / every) + lives.length) * width)
  lives.forEach((life, i) => {
    for (let row = life.count - 1; row >= 0; row -= every) {
      const own = features[i]?.subarray(row * width, (row + 1) * width)
      if (own) values.set(own, target.length * width)
      target.push(Math.min(CAP_ROWS, life.count - 1 - row))
    }
  })
  const inputs: Inputs = { rows: target.length, width, values }
  const { seed, hidden = HIDDEN, draws = DRAWS } = options
  const wanted = Float64Array.from(target)
  return joinRidges(
    Array.from({ length: draws }, (_, i) => fitRidge(inputs, wanted, { seed: seed + i, hidden })),
  )
}

function measure(heldOut: HeldOut): LifeMetrics {
  const { predicted, actual, fold } = heldOut
  const folds = fold.reduce((most, one) => Math.max(most, one + 1), 0)
  let squares = 0
  let covered = 0
  let width = 0
  for (let out = 0; out < folds; out++) {
    const others = predicted.map((_, i) => i).filter((i) => fold[i] !== out)
    const interval = createInterval({
      predicted: others.map((i) => predicted[i] ?? 0),
      actual: others.map((i) => actual[i] ?? 0),
    })
    predicted.forEach((rul, i) => {
      if (fold[i] !== out) return
      const truth = actual[i] ?? 0
      const { low, high } = widen(interval, rul, CAP_ROWS)
      squares += (rul - truth) ** 2
      covered += truth >= low && truth <= high ? 1 : 0
      width += high - low
    })
  }
  const n = predicted.length
  return { rmse: Math.sqrt(squares / n), coverage90: covered / n, width: width / n, folds }
}

/** The trainer's own answer for one row of features. */
export function estimateLife(
  { ridge, interval, cap }: LifeModel,
  features: Float64Array,
): LifeEstimate {
  const [value = 0] = predictRidge(ridge, { rows: 1, width: features.length, values: features })
  return widen(interval, clip(value, cap), cap)
}

function widen(interval: LifeInterval, rul: number, cap: number): LifeEstimate {
  const low = clip(rul + interpolate(interval, interval.low, rul), cap)
  return { rul, low, high: clip(rul + interpolate(interval, interval.high, rul), cap) }
}

function clip(value: number, cap: number): number {
  return Math.min(cap, Math.max(0, value))
}
