/** Lives of parts as a Weibull distribution: fitted with parts that still run, and what is left to a part of an age. */
export interface PartLife {
  /** What it counted until it failed, or until now. */
  count: number
  failed: boolean
}

export interface Weibull {
  /** Above 1: it wears; 1: chance alone; below: early failures. */
  shape: number
  /** The count that 63 % of the parts do not reach. */
  scale: number
  failures: number
}

/** Below this many failures a distribution is a guess. */
export const MIN_FAILURES = 5
const MAX_STEPS = 100

/**
 * Maximum likelihood with right-censored lives (Lawless, Statistical Models and Methods for Lifetime Data, 5.2).
 * Undefined: fewer than `MIN_FAILURES` failures, or all of them at one count.
 */
export function fitWeibull(lives: readonly PartLife[]): Weibull | undefined {
  const positive = lives.filter(({ count }) => count > 0)
  const failed = positive.filter((life) => life.failed)
  if (failed.length < MIN_FAILURES || new Set(failed.map(({ count }) => count)).size < 2)
    return undefined
  // Scaled by the largest, so that powers stay in range.
  const largest = Math.max(...positive.map(({ count }) => count))
  const all = positive.map(({ count }) => Math.log(count / largest))
  const meanLog =
    failed.reduce((sum, one) => sum + Math.log(one.count / largest), 0) / failed.length
  const shape = solveShape(all, meanLog)
  const mean = all.reduce((sum, log) => sum + Math.exp(shape * log), 0) / failed.length
  return { shape, scale: largest * mean ** (1 / shape), failures: failed.length }
}

/** Root of Σxᵏlnx/Σxᵏ − 1/k − mean(ln x of the failed), which rises in k: Newton inside a bracket. */
function solveShape(logs: readonly number[], meanLog: number): number {
  const value = (k: number): [number, number] => {
    let [s0, s1, s2] = [0, 0, 0]
    for (const log of logs) {
      const weight = Math.exp(k * log)
      s0 += weight
      s1 += weight * log
      s2 += weight * log * log
    }
    return [s1 / s0 - 1 / k - meanLog, s2 / s0 - (s1 / s0) ** 2 + 1 / k ** 2]
  }
  let low = 1e-3
  let high = 1
  for (; value(high)[0] < 0; high *= 2) low = high
  let k = (low + high) / 2
  for (let i = 0; i < MAX_STEPS; i++) {
    const [f, slope] = value(k)
    if (f > 0) high = k
    else low = k
    const next = k - f / slope
    const inside = next > low && next < high ? next : (low + high) / 2
    if (Math.abs(inside - k) <= 1e-12 * k) return inside
    k = inside
  }
  return k
}

/** Counts left to a part of this age that `share` of such parts do not reach, 0 < share < 1. */
export function remainingCount({ shape, scale }: Weibull, age: number, share: number): number {
  return (age ** shape - Math.log(1 - share) * scale ** shape) ** (1 / shape) - age
}
