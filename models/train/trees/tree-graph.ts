/** Writes boosted trees as an ONNX graph: features to a share of belief per class. */
import { encodeModel } from '../../onnx/encode-model.ts'
import { createGraph } from '../../onnx/graph.ts'
import { addTreeEnsemble } from '../../onnx/tree-ensemble.ts'
import type { BoostedTrees } from './boosted-trees.ts'

export const INPUT_NAME = 'features'
export const OUTPUT_NAMES = { shares: 'shares' } as const

export interface TreeGraphOptions {
  name: string
  /** Features F. */
  width: number
  metadata: Readonly<Record<string, string>>
}

/** `features [B, F]` → `shares [B, classes]`, each row summing to 1. */
export function encodeTrees(model: BoostedTrees, options: TreeGraphOptions): Uint8Array {
  const graph = createGraph(options.name)
  const input = graph.input(INPUT_NAME, ['B', options.width])
  const scores = addTreeEnsemble(graph, input, model)
  graph.node('Softmax', [scores], { into: OUTPUT_NAMES.shares, attributes: { axis: -1 } })
  graph.output(OUTPUT_NAMES.shares, ['B', model.classes])
  const { metadata } = options
  return encodeModel(graph.build(), { producerName: 'mimamori', producerVersion: '1', metadata })
}
