/** Gradient boosting for classes: one tree per class and round on the gradient of the softmax loss. */
import { createRandom } from '../golden.ts'
import { createBins, type FeatureTable } from './bins.ts'
import { evaluateTree, growTree, type Tree } from './grow-tree.ts'

export interface BoostOptions {
  seed: number
  rounds?: number
  depth?: number
  /** Shrinkage per round. */
  rate?: number
  /** Share of the features that a tree may look at. */
  featureShare?: number
  /** Share of the rows that a tree is grown on. */
  rowShare?: number
}

export interface BoostedTrees {
  classes: number
  /** Score per class before the first tree: logarithm of its share. */
  base: Float64Array
  trees: { target: number; tree: Tree }[]
}

const DEFAULTS = { rounds: 120, depth: 4, rate: 0.12, featureShare: 0.15, rowShare: 0.7 }
const RIDGE = 1
const MIN_WEIGHT = 0.5

/** `labels` are class numbers from 0; the same table, labels and seed give the same trees. */
export function fitBoostedTrees(table: FeatureTable, labels: Int32Array, options: BoostOptions): BoostedTrees {
  const { rounds, depth, rate, featureShare, rowShare } = { ...DEFAULTS, ...options }
  const random = createRandom(options.seed)
  const bins = createBins(table)
  const classes = Math.max(...labels) + 1
  const base = countShares(labels, classes)
  const scores = Float64Array.from({ length: table.rows * classes }, (_, i) => base[i % classes] ?? 0)
  const trees: BoostedTrees['trees'] = []
  const gradient = new Float64Array(table.rows)
  const hessian = new Float64Array(table.rows)
  const all = Array.from({ length: table.width }, (_, i) => i)
  for (let round = 0; round < rounds; round++) {
    const shares = softmax(scores, classes)
    const rows = Int32Array.from({ length: table.rows }, (_, i) => i).filter(() => random() < rowShare)
    for (let target = 0; target < classes; target++) {
      for (let row = 0; row < table.rows; row++) {
        const share = shares[row * classes + target] as number
        gradient[row] = share - (labels[row] === target ? 1 : 0)
        hessian[row] = Math.max(1e-6, share * (1 - share))
      }
      const features = all.filter(() => random() < featureShare)
      const tree = growTree({ bins, rows, tableRows: table.rows, features, gradient, hessian, depth, rate, ridge: RIDGE, minWeight: MIN_WEIGHT })
      trees.push({ target, tree })
      for (let row = 0; row < table.rows; row++) {
        const at = row * classes + target
        scores[at] = (scores[at] as number) + evaluateTree(tree, table.values, row * table.width)
      }
    }
  }
  return { classes, base, trees }
}

/** `[rows, classes]` shares of belief, row by row. */
export function predictShares(model: BoostedTrees, table: FeatureTable): Float64Array {
  const { classes, base, trees } = model
  const scores = Float64Array.from({ length: table.rows * classes }, (_, i) => base[i % classes] ?? 0)
  for (const { target, tree } of trees)
    for (let row = 0; row < table.rows; row++) {
      const at = row * classes + target
      scores[at] = (scores[at] as number) + evaluateTree(tree, table.values, row * table.width)
    }
  return softmax(scores, classes)
}

/** Index of the largest share per row. */
export function pickClasses(shares: Float64Array, classes: number): Int32Array {
  return Int32Array.from({ length: shares.length / classes }, (_, row) => {
    const own = shares.subarray(row * classes, (row + 1) * classes)
    return own.indexOf(Math.max(...own))
  })
}

function countShares(labels: Int32Array, classes: number): Float64Array {
  const counts = new Float64Array(classes)
  for (const label of labels) counts[label] = (counts[label] as number) + 1
  return counts.map((count) => Math.log(Math.max(count, 1e-3) / labels.length))
}

function softmax(scores: Float64Array, classes: number): Float64Array {
  const out = new Float64Array(scores.length)
  for (let from = 0; from < scores.length; from += classes) {
    const own = scores.subarray(from, from + classes)
    const top = Math.max(...own)
    let sum = 0
    for (let k = 0; k < classes; k++) sum += out[from + k] = Math.exp((own[k] as number) - top)
    for (let k = 0; k < classes; k++) out[from + k] = (out[from + k] as number) / sum
  }
  return out
}
