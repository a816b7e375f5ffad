/** How wrong a prediction of remaining life usually is, by the predicted value: the 5 % and 95 % ends of its interval. */
import { nearestQuantile } from '../../quantiles.ts'

/** Groups of equal size, from predictions near the end to far from it. */
const GROUPS = 12
/** Between knots, as a share of the largest prediction: nearer ones would make steep steps. */
const MIN_DISTANCE = 0.02
const LOW_SHARE = 0.05
const HIGH_SHARE = 0.95

/** Offsets are linear between the knots and constant outside them. */
export interface LifeInterval {
  /** Predicted values, ascending. */
  knots: number[]
  /** What is added to the prediction at a knot: 0 or less, 0 or more. */
  low: number[]
  high: number[]
}

export interface Predictions {
  /** Both within 0…cap, in the same order. */
  predicted: ArrayLike<number>
  actual: ArrayLike<number>
}

/** From predictions for units that the model had not seen. */
export function createInterval({ predicted, actual }: Predictions): LifeInterval {
  const order = Array.from(predicted, (_, i) => i)
  order.sort((a, b) => (predicted[a] ?? 0) - (predicted[b] ?? 0) || a - b)
  const interval: LifeInterval = { knots: [], low: [], high: [] }
  const reach = predicted[order.at(-1) ?? 0] ?? 0
  for (let group = 0; group < GROUPS; group++) {
    const from = Math.floor((group * order.length) / GROUPS)
    const own = order.slice(from, Math.floor(((group + 1) * order.length) / GROUPS))
    if (own.length === 0) continue
    const knot = predicted[own[own.length >> 1] ?? 0] ?? 0
    if (knot - (interval.knots.at(-1) ?? Number.NEGATIVE_INFINITY) < reach * MIN_DISTANCE) continue
    const residuals = Float64Array.from(own, (i) => (actual[i] ?? 0) - (predicted[i] ?? 0)).sort()
    interval.knots.push(knot)
    interval.low.push(Math.min(0, nearestQuantile(residuals, LOW_SHARE) ?? 0))
    interval.high.push(Math.max(0, nearestQuantile(residuals, HIGH_SHARE) ?? 0))
  }
  return interval
}

/** What is added to a prediction for one end of its interval. */
export function interpolate(
  { knots }: LifeInterval,
  offsets: readonly number[],
  predicted: number,
): number {
  let offset = offsets[0] ?? 0
  for (let i = 1; i < knots.length; i++) {
    const [from, to] = [knots[i - 1] ?? 0, knots[i] ?? 0]
    const share = Math.min(1, Math.max(0, (predicted - from) / (to - from)))
    offset += share * ((offsets[i] ?? 0) - (offsets[i - 1] ?? 0))
  }
  return offset
}
