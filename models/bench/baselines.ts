/** Simple detectors to stand beside ours in the same run: T2+Q, Isolation Forest, and an alarm that is always on. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { quantile } from '../quantiles.ts'
import { createRandom } from '../train/golden.ts'
import type { Table } from '../train/table.ts'

/** Fits on the first table, answers row by row for the second. */
export type Baseline = (train: Table, test: Table) => boolean[]

/** Alarm limit of a baseline: this quantile of its scores on the training rows, as in the published tables. */
const QUANTILE = 0.99
const VARIANCE_KEPT = 0.9
const TREES = 100
const SAMPLE = 256

export const baselines = {
  t2q: alarmByT2AndQ,
  isolationForest: alarmByIsolationForest,
  allOnes: (_: Table, test: Table) => Array<boolean>(test.rows).fill(true),
} satisfies Record<string, Baseline>

/** Standardised rows by the training's mean and deviation; a constant tag keeps its unit. */
function createStandardiser(train: Table): (table: Table) => Float64Array[] {
  const moments = train.columns.map((column) => {
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length
    return { mean, deviation: Math.sqrt(variance) || 1 }
  })
  return ({ rows, columns }) =>
    Array.from({ length: rows }, (_, row) =>
      Float64Array.from(columns, (column, j) => {
        const { mean = 0, deviation = 1 } = moments[j] ?? {}
        return ((column[row] ?? 0) - mean) / deviation
      }),
    )
}

/** Hotelling's T2 inside the principal components that hold 90 % of the variance, Q outside of them. */
function alarmByT2AndQ(train: Table, test: Table): boolean[] {
  const standardise = createStandardiser(train)
  const normal = standardise(train)
  const matrix = new Matrix(normal.map((row) => Array.from(row)))
  const covariance = matrix.transpose().mmul(matrix).div(normal.length)
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  })
  const order = realEigenvalues
    .map((_, i) => i)
    .sort((a, b) => (realEigenvalues[b] ?? 0) - (realEigenvalues[a] ?? 0))
  const total = realEigenvalues.reduce((sum, value) => sum + value, 0)
  const kept: number[] = []
  for (let sum = 0; sum < VARIANCE_KEPT * total && kept.length < order.length; ) {
    const next = order[kept.length] ?? 0
    kept.push(next)
    sum += realEigenvalues[next] ?? 0
  }
  const measure = (row: Float64Array): { t2: number; q: number } => {
    let t2 = 0
    let q = row.reduce((sum, value) => sum + value ** 2, 0)
    for (const k of kept) {
      const part = row.reduce((sum, value, j) => sum + value * eigenvectorMatrix.get(j, k), 0)
      t2 += part ** 2 / (realEigenvalues[k] ?? 1)
      q -= part ** 2
    }
    return { t2, q }
  }
  const own = normal.map(measure)
  const limitT2 = quantile(
    own.map(({ t2 }) => t2),
    QUANTILE,
  )
  const limitQ = quantile(
    own.map(({ q }) => q),
    QUANTILE,
  )
  return standardise(test).map((row) => {
    const { t2, q } = measure(row)
    return t2 > limitT2 || q > limitQ
  })
}

type Tree = { size: number } | { feature: number; split: number; below: Tree; above: Tree }

/** Liu, Ting & Zhou 2008: the fewer random cuts isolate a row, the odder it is. */
function alarmByIsolationForest(train: Table, test: Table): boolean[] {
  const random = createRandom(1)
  const standardise = createStandardiser(train)
  const normal = standardise(train)
  const size = Math.min(SAMPLE, normal.length)
  const depth = Math.ceil(Math.log2(size))
  const trees = Array.from({ length: TREES }, () => {
    const sample = Array.from(
      { length: size },
      () => normal[Math.floor(random() * normal.length)] ?? new Float64Array(),
    )
    return growTree(sample, depth, random)
  })
  const oddness = (row: Float64Array) =>
    -trees.reduce((sum, tree) => sum + pathLength(tree, row), 0) / TREES
  const limit = quantile(normal.map(oddness), QUANTILE)
  return standardise(test).map((row) => oddness(row) > limit)
}

function growTree(rows: Float64Array[], depth: number, random: () => number): Tree {
  if (depth === 0 || rows.length <= 1) return { size: rows.length }
  const feature = Math.floor(random() * (rows[0]?.length ?? 1))
  const values = rows.map((row) => row[feature] ?? 0)
  const low = Math.min(...values)
  const split = low + random() * (Math.max(...values) - low)
  const below = rows.filter((row) => (row[feature] ?? 0) < split)
  if (below.length === 0) return { size: rows.length }
  const above = rows.filter((row) => (row[feature] ?? 0) >= split)
  const grow = (part: Float64Array[]) => growTree(part, depth - 1, random)
  return { feature, split, below: grow(below), above: grow(above) }
}

function pathLength(tree: Tree, row: Float64Array): number {
  let node = tree
  let length = 0
  while ('feature' in node) {
    node = (row[node.feature] ?? 0) < node.split ? node.below : node.above
    length++
  }
  return length + averagePath(node.size)
}

/** Mean depth of an unsuccessful search among so many rows. */
function averagePath(size: number): number {
  if (size <= 1) return 0
  return 2 * (Math.log(size - 1) + 0.5772156649) - (2 * (size - 1)) / size
}
