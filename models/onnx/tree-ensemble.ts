/** Adds binary decision trees to a graph as one TreeEnsembleRegressor of ai.onnx.ml, whose targets are sums of leaves. */
import type { GraphBuilder } from './graph.ts'

/** A tree as arrays by node; node 0 is the root. */
export interface TreeArrays {
  /** Feature of the split; -1 for a leaf. */
  feature: readonly number[]
  /** Goes to `left` when `x <= threshold`; NaN goes to `right`. */
  threshold: readonly number[]
  left: readonly number[]
  right: readonly number[]
  /** Value of a leaf. */
  value: readonly number[]
}

export interface TreeEnsemble {
  /** Added to each target. */
  base: ArrayLike<number>
  /** A tree adds its leaf to one target. */
  trees: readonly { target: number; tree: TreeArrays }[]
}

const DOMAIN = 'ai.onnx.ml'

/** Takes `[B, F]`, answers the name of `[B, targets]`. */
export function addTreeEnsemble(
  graph: GraphBuilder,
  input: string,
  ensemble: TreeEnsemble,
): string {
  const nodes = ensemble.trees.flatMap(({ target, tree }, treeId) =>
    tree.feature.map((feature, node) => ({ treeId, node, feature, tree, target })),
  )
  const leaves = nodes.filter(({ feature }) => feature < 0)
  const at = (list: readonly number[], node: number) => list[node] ?? 0
  const isLeaf = ({ feature }: { feature: number }) => feature < 0
  return graph.node('TreeEnsembleRegressor', [input], {
    domain: DOMAIN,
    attributes: {
      n_targets: ensemble.base.length,
      aggregate_function: 'SUM',
      post_transform: 'NONE',
      base_values: { floats: Array.from(ensemble.base) },
      nodes_treeids: nodes.map(({ treeId }) => treeId),
      nodes_nodeids: nodes.map(({ node }) => node),
      nodes_featureids: nodes.map(({ feature }) => Math.max(0, feature)),
      nodes_values: { floats: nodes.map(({ tree, node }) => at(tree.threshold, node)) },
      nodes_modes: { strings: nodes.map((one) => (isLeaf(one) ? 'LEAF' : 'BRANCH_LEQ')) },
      nodes_truenodeids: nodes.map(({ tree, node }) => at(tree.left, node)),
      nodes_falsenodeids: nodes.map(({ tree, node }) => at(tree.right, node)),
      target_treeids: leaves.map(({ treeId }) => treeId),
      target_nodeids: leaves.map(({ node }) => node),
      target_ids: leaves.map(({ target }) => target),
      target_weights: { floats: leaves.map(({ tree, node }) => at(tree.value, node)) },
    },
  })
}
