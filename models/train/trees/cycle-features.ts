/** Features of one load cycle: what each tag does in it, in figures that a tree can ask about. */
import { nearestQuantile } from '../../quantiles.ts'

/** Parts of equal length at most whose means tell the shape of the cycle: a slow valve shows in one second of sixty. */
const MAX_PARTS = 60
const FIGURES = ['mean', 'std', 'min', 'max', 'slope', 'q25', 'q50', 'q75'] as const

/** How the features of every tag are made, in words for the manifest. */
export const CYCLE_FEATURE_RULE =
  'Per cycle and tag, over its rows in the order of time: mean; std; min; max; slope (least squares, per cycle length); ' +
  'q25, q50, q75 (nearest rank); part i of n: mean of the i-th of n parts of equal length; step i: part i + 1 less part i. Empty cells are left out, a part ' +
  'without any value is NaN (goes right in every tree). A cycle of one row has its value alone.'

/** Parts for cycles that usually have so many rows; 0 when a cycle is one row. */
export function chooseParts(rows: number): number {
  return rows < 2 ? 0 : Math.min(MAX_PARTS, rows)
}

/** Features of one tag. */
export function countFeatures(parts: number): number {
  return parts === 0 ? 1 : FIGURES.length + 2 * parts - 1
}

/** Names of the features, in their order. */
export function nameCycleFeatures(tags: readonly string[], parts: number): string[] {
  if (parts === 0) return [...tags]
  return tags.flatMap((tag) => [
    ...FIGURES.map((figure) => `${figure}(${tag})`),
    ...Array.from({ length: parts }, (_, i) => `part${i + 1}of${parts}(${tag})`),
    ...Array.from({ length: parts - 1 }, (_, i) => `step${i + 1}of${parts}(${tag})`),
  ])
}

/**
 * Figures of the values of one tag in one cycle, in the order of time; an empty cell (NaN) is left out, a part without
 * any value is NaN.
 */
export function measureCycle(values: ArrayLike<number>, parts: number): number[] {
  const there = Array.from(values).filter((value) => !Number.isNaN(value))
  if (there.length === 0) return new Array(countFeatures(parts)).fill(Number.NaN)
  const mean = average(there)
  if (parts === 0) return [mean]
  const shape = measureParts(values, parts)
  const sorted = [...there].sort((a, b) => a - b)
  const quantile = (share: number) => nearestQuantile(sorted, share) ?? Number.NaN
  return [
    mean,
    Math.sqrt(average(there.map((value) => (value - mean) ** 2))),
    quantile(0),
    quantile(1),
    findSlope(values, mean),
    quantile(0.25),
    quantile(0.5),
    quantile(0.75),
    ...shape,
    ...shape.slice(1).map((part, i) => part - (shape[i] ?? Number.NaN)),
  ]
}

function measureParts(values: ArrayLike<number>, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * values.length) / parts)
    const to = Math.max(from + 1, Math.floor(((part + 1) * values.length) / parts))
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
  const places = Array.from(values, (value, i) => ({ value, t: (i + 0.5) / values.length }))
  const there = places.filter(({ value }) => !Number.isNaN(value))
  const middle = average(there.map(({ t }) => t))
  let sum = 0
  let squares = 0
  for (const { value, t } of there) {
    sum += (t - middle) * (value - mean)
    squares += (t - middle) ** 2
  }
  return squares > 0 ? sum / squares : 0
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
