/** Fits what tells failure modes apart: trees for which of them, distances for whether any of them. */

import type { FeatureTable } from '../trees/bins.ts'
import { type BoostedTrees, fitBoostedTrees, predictShares } from '../trees/boosted-trees.ts'
import {
  createReferences,
  type Example,
  findDistances,
  findLimit,
  type References,
} from './reference-distance.ts'

/** Few cases, so small trees. */
const GROWTH = { rounds: 40, depth: 3, featureShare: 0.3, rowShare: 0.8 }
/** With one draw of rows and features the belief in a wrong name was 0.64 or 0.89 by its seed; with five it stays. */
const DRAWS = 5

export interface FittedFailures {
  trees: BoostedTrees
  references: References
  /** Distance per class beyond which a window is not of it. */
  limits: number[]
}

export function fitFailures(
  examples: readonly Example[],
  { classes, seed }: { classes: number; seed: number },
): FittedFailures {
  const labels = Int32Array.from(examples, ({ label }) => label)
  const trees = fitForest(tableOf(examples), labels, seed)
  const limits = findLimits(examples, classes)
  return { trees, references: createReferences(examples, classes), limits }
}

/** What a case looks like: means over its windows. */
export interface Looks {
  /** Share of belief per class. */
  shares: number[]
  /** Distance to the class, divided by its limit; above 1 it is not of it. */
  strangeness: number[]
}

export function lookAt(fitted: FittedFailures, windows: readonly Example[]): Looks {
  const { trees, limits, references } = fitted
  const shares = predictShares(trees, tableOf(windows))
  const classes = limits.length
  const perWindow = windows.map((_, i) =>
    Array.from(shares.subarray(i * classes, (i + 1) * classes)),
  )
  const strange = windows.map(({ features }) =>
    findDistances(references, features).map((one, label) => one / (limits[label] ?? 1)),
  )
  return { shares: averageRows(perWindow), strangeness: medianRows(strange) }
}

export function averageRows(rows: readonly (readonly number[])[]): number[] {
  return (rows[0] ?? []).map(
    (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length,
  )
}

/** The lower of the two middle ones where they are even. */
export function medianRows(rows: readonly (readonly number[])[]): number[] {
  return (rows[0] ?? []).map((_, i) => {
    const sorted = rows.map((row) => row[i] ?? 0).sort((a, b) => a - b)
    return sorted[(sorted.length - 1) >> 1] ?? 0
  })
}

export function tableOf(examples: readonly Example[]): FeatureTable {
  const width = examples[0]?.features.length ?? 0
  const values = new Float32Array(examples.length * width)
  examples.forEach(({ features }, row) => {
    values.set(features, row * width)
  })
  return { rows: examples.length, width, values }
}

/** Every case is held out once; modes share one limit, because a mode alone has too few cases for one. */
function findLimits(examples: readonly Example[], classes: number): number[] {
  const normal: number[] = []
  const own: number[] = []
  const alien: number[] = []
  for (const [stretch, windows] of Map.groupBy(examples, (one) => one.stretch)) {
    const label = windows[0]?.label ?? 0
    const others = examples.filter((one) => one.stretch !== stretch)
    const references = createReferences(others, classes)
    const found = medianRows(windows.map(({ features }) => findDistances(references, features)))
    if (label === 0) normal.push(found[0] ?? 0)
    else own.push(found[label] ?? 0)
    const rest = found.filter((_, other) => other !== 0 && other !== label)
    if (label !== 0) alien.push(...rest)
  }
  const limit = findLimit(own, alien)
  return Array.from({ length: classes }, (_, label) =>
    label === 0 ? findLimit(normal, []) : limit,
  )
}

/** Grown several times, each from another seed; their scores are averaged. */
function fitForest(table: FeatureTable, labels: Int32Array, seed: number): BoostedTrees {
  const draws = Array.from({ length: DRAWS }, (_, i) =>
    fitBoostedTrees(table, labels, { ...GROWTH, seed: seed * DRAWS + i }),
  )
  const [first] = draws
  const share = (value: number) => value / DRAWS
  const trees = draws.flatMap((draw) =>
    draw.trees.map(({ target, tree }) => ({
      target,
      tree: { ...tree, value: tree.value.map(share) },
    })),
  )
  return { classes: first?.classes ?? 0, base: first?.base ?? new Float64Array(), trees }
}
