/** Grows one regression tree on gradients by counting in bins: the best split of every node, until it is too deep or too small. */
import { BINS, type Bins } from './bins.ts'

/** A binary tree as arrays by node; node 0 is the root. */
export interface Tree {
  /** Feature of the split; -1 for a leaf. */
  feature: number[]
  /** Left when `x <= threshold`; anything else, NaN too, goes right. */
  threshold: number[]
  left: number[]
  right: number[]
  /** Value of a leaf; 0 elsewhere. */
  value: number[]
  /** What the split gained; 0 for a leaf. */
  gain: number[]
}

export interface GrowOptions {
  bins: Bins
  /** Rows to grow on. */
  rows: Int32Array
  /** Rows in the table that the bins were made of. */
  tableRows: number
  features: readonly number[]
  gradient: Float64Array
  hessian: Float64Array
  depth: number
  /** Least sum of hessians in a leaf. */
  minWeight: number
  /** Ridge on leaf values. */
  ridge: number
  /** Leaf values are shrunk by this. */
  rate: number
}

interface Split {
  feature: number
  /** Bins 0…bin go left. */
  bin: number
  gain: number
}

interface Sum {
  gradient: number
  hessian: number
}

/** Greedy, depth first. */
export function growTree(options: GrowOptions): Tree {
  const tree: Tree = { feature: [], threshold: [], left: [], right: [], value: [], gain: [] }
  grow(tree, options, { rows: options.rows, depth: 0 })
  return tree
}

function grow(
  tree: Tree,
  options: GrowOptions,
  { rows, depth }: { rows: Int32Array; depth: number },
): number {
  const node = tree.feature.length
  const sum = sumUp(options, rows)
  const split = depth < options.depth ? findSplit(options, rows, sum) : undefined
  const { bins, ridge, rate, tableRows } = options
  tree.feature.push(split?.feature ?? -1)
  tree.threshold.push(split ? (bins.cuts[split.feature]?.[split.bin] ?? 0) : 0)
  tree.value.push(split ? 0 : (-rate * sum.gradient) / (sum.hessian + ridge))
  tree.gain.push(split?.gain ?? 0)
  tree.left.push(0)
  tree.right.push(0)
  if (!split) return node
  const at = split.feature * tableRows
  const isLeft = (row: number) => (bins.codes[at + row] as number) <= split.bin
  const left = rows.filter(isLeft)
  const right = rows.filter((row) => !isLeft(row))
  tree.left[node] = grow(tree, options, { rows: left, depth: depth + 1 })
  tree.right[node] = grow(tree, options, { rows: right, depth: depth + 1 })
  return node
}

function sumUp({ gradient, hessian }: GrowOptions, rows: Int32Array): Sum {
  const sum = { gradient: 0, hessian: 0 }
  for (const row of rows) {
    sum.gradient += gradient[row] as number
    sum.hessian += hessian[row] as number
  }
  return sum
}

const binGradient = new Float64Array(BINS)
const binHessian = new Float64Array(BINS)

/** Undefined when no split gains anything. */
function findSplit(options: GrowOptions, rows: Int32Array, sum: Sum): Split | undefined {
  if (sum.hessian < 2 * options.minWeight) return undefined
  let best: Split | undefined
  for (const feature of options.features) {
    const found = scanFeature(options, { rows, feature }, sum)
    if (found && found.gain > (best?.gain ?? 1e-9)) best = found
  }
  return best
}

function scanFeature(
  options: GrowOptions,
  { rows, feature }: { rows: Int32Array; feature: number },
  sum: Sum,
): Split | undefined {
  const { bins, gradient, hessian, tableRows, ridge, minWeight } = options
  const cuts = bins.cuts[feature]?.length ?? 0
  if (cuts === 0) return undefined
  binGradient.fill(0)
  binHessian.fill(0)
  const at = feature * tableRows
  for (const row of rows) {
    const bin = bins.codes[at + row] as number
    binGradient[bin] = (binGradient[bin] as number) + (gradient[row] as number)
    binHessian[bin] = (binHessian[bin] as number) + (hessian[row] as number)
  }
  const whole = sum.gradient ** 2 / (sum.hessian + ridge)
  let best: Split | undefined
  let leftGradient = 0
  let leftHessian = 0
  for (let bin = 0; bin < cuts; bin++) {
    leftGradient += binGradient[bin] as number
    leftHessian += binHessian[bin] as number
    const rightHessian = sum.hessian - leftHessian
    if (leftHessian < minWeight || rightHessian < minWeight) continue
    const gain =
      leftGradient ** 2 / (leftHessian + ridge) +
      (sum.gradient - leftGradient) ** 2 / (rightHessian + ridge) -
      whole
    if (gain > (best?.gain ?? 0)) best = { feature, bin, gain }
  }
  return best
}

/** The leaf value that a row of features falls to. */
export function evaluateTree(tree: Tree, values: Float32Array, from: number): number {
  let node = 0
  while ((tree.feature[node] as number) >= 0) {
    const value = values[from + (tree.feature[node] as number)] as number
    node = (
      value <= (tree.threshold[node] as number) ? tree.left[node] : tree.right[node]
    ) as number
  }
  return tree.value[node] as number
}
