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

const DEFAULTS = { rounds: 60, depth: 4, rate: 0.12, featureShare: 0.2, rowShare: 0.7 }
const RIDGE = 1
/** Features that a tree sees on average at least. */
const MIN_FEATURES = 20
const MIN_WEIGHT = 0.5

/** `labels` are class numbers from 0; the same table, labels and seed give the same trees. */
export function fitBoostedTrees(
  table: FeatureTable,
  labels: Int32Array,
  options: BoostOptions,
): BoostedTrees {
  const { rounds, rowShare, ...growth } = { ...DEFAULTS, ...options }
  const random = createRandom(options.seed)
  const bins = createBins(table)
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 1)
  const model: BoostedTrees = { classes, base: countShares(labels, classes), trees: [] }
  const scores = spread(model.base, table.rows)
  const all = Int32Array.from({ length: table.rows }, (_, i) => i)
  for (let round = 0; round < rounds; round++) {
    const shares = softmax(scores, classes)
    const rows = all.filter(() => random() < rowShare)
    for (let target = 0; target < classes; target++) {
      const slopes = findSlopes({ shares, labels, classes, target })
      const features = pickFeatures(table.width, growth.featureShare, random)
      const { depth, rate } = growth
      const tree = growTree({
        bins,
        rows,
        tableRows: table.rows,
        features,
        ...slopes,
        depth,
        rate,
        ridge: RIDGE,
        minWeight: MIN_WEIGHT,
      })
      model.trees.push({ target, tree })
      addTree(scores, table, { classes, target, tree })
    }
  }
  return model
}

interface Target {
  shares: Float64Array
  labels: Int32Array
  classes: number
  target: number
}

/** First and second derivative of the loss by the score of one class. */
function findSlopes({ shares, labels, classes, target }: Target) {
  const own = Float64Array.from(labels, (_, row) => shares[row * classes + target] ?? 0)
  return {
    gradient: own.map((share, row) => share - (labels[row] === target ? 1 : 0)),
    hessian: own.map((share) => Math.max(1e-6, share * (1 - share))),
  }
}

/** With few features a tree sees all of them: a failure often needs two together. */
function pickFeatures(width: number, share: number, random: () => number): number[] {
  const chance = Math.max(share, MIN_FEATURES / width)
  const picked: number[] = []
  for (let i = 0; i < width; i++) if (random() < chance) picked.push(i)
  return picked
}

interface Addition {
  classes: number
  target: number
  tree: Tree
}

function addTree(
  scores: Float64Array,
  { rows, width, values }: FeatureTable,
  { classes, target, tree }: Addition,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * classes + target
    scores[at] = (scores[at] ?? 0) + evaluateTree(tree, values, row * width)
  }
}

const spread = (base: Float64Array, rows: number) =>
  Float64Array.from({ length: rows * base.length }, (_, i) => base[i % base.length] ?? 0)

/** `[rows, classes]` shares of belief, row by row. */
export function predictShares(
  { classes, base, trees }: BoostedTrees,
  table: FeatureTable,
): Float64Array {
  const scores = spread(base, table.rows)
  for (const { target, tree } of trees) addTree(scores, table, { classes, target, tree })
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
    for (let k = 0; k < classes; k++) {
      const value = Math.exp((own[k] ?? 0) - top)
      out[from + k] = value
      sum += value
    }
    for (let k = 0; k < classes; k++) out[from + k] = (out[from + k] ?? 0) / sum
  }
  return out
}
