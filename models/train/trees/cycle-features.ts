/** Features of one load cycle: what each tag does in it, in figures that a tree can ask about. */

/** Parts of equal length whose means tell the shape of the cycle. */
const PARTS = 60
const FIGURES = ['mean', 'std', 'min', 'max', 'slope', 'q25', 'q50', 'q75'] as const
/** Features of one tag. */
export const FEATURES_PER_TAG = FIGURES.length + PARTS

/** Names of the features, in their order. */
export function nameCycleFeatures(tags: readonly string[]): string[] {
  return tags.flatMap((tag) => [
    ...FIGURES.map((figure) => `${figure}(${tag})`),
    ...Array.from({ length: PARTS }, (_, i) => `part${i + 1}of${PARTS}(${tag})`),
  ])
}

/**
 * Figures of the values of one tag in one cycle, in the order of time; an empty cell (NaN) is left out, a part without
 * any value is NaN.
 */
export function measureCycle(values: ArrayLike<number>): number[] {
  const there = Array.from(values).filter((value) => !Number.isNaN(value))
  if (there.length === 0) return new Array(FEATURES_PER_TAG).fill(Number.NaN)
  const sorted = [...there].sort((a, b) => a - b)
  const mean = average(there)
  const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number
  return [
    mean,
    Math.sqrt(average(there.map((value) => (value - mean) ** 2))),
    quantile(0),
    quantile(1),
    findSlope(values, mean),
    quantile(0.25),
    quantile(0.5),
    quantile(0.75),
    ...measureParts(values),
  ]
}

function measureParts(values: ArrayLike<number>): number[] {
  return Array.from({ length: PARTS }, (_, part) => {
    const from = Math.floor((part * values.length) / PARTS)
    const to = Math.max(from + 1, Math.floor(((part + 1) * values.length) / PARTS))
    const own: number[] = []
    for (let i = from; i < to; i++) {
      const value = values[i] ?? Number.NaN
      if (!Number.isNaN(value)) own.push(value)
    }
    return average(own)
  })
}

/** Least squares, per cycle length. */
function findSlope(values: ArrayLike<number>, mean: number): number {
  let sum = 0
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN
    if (Number.isNaN(value)) continue
    const t = (i + 0.5) / values.length - 0.5
    sum += t * (value - mean)
    squares += t * t
  }
  return squares > 0 ? sum / squares : 0
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
