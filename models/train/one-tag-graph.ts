/** Writes a fitted one-tag detector as an ONNX graph with the same input and outputs as the multivariate one. */
import { encodeModel } from '../onnx/encode-model.ts'
import { createGraph, type Graph } from '../onnx/graph.ts'
import { addStandardInput } from '../onnx/standard-input.ts'
import { CLIP } from './detector.ts'
import { INPUT_NAME, OUTPUT_NAMES } from './detector-graph.ts'
import { MEASURES, ONE_TAG_ROWS, type OneTag } from './one-tag.ts'

/** The file's version field: raise it when the same detector gives other bytes. */
const PRODUCER_VERSION = '1'

/** The bytes of `model.onnx`; input `[B, 156, p]` float32 (float64 for an exact detector), B free. The threshold is 1: the filters hold the limits. */
export function encodeOneTag(
  detector: OneTag,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const info = { producerName: 'mimamori', producerVersion: PRODUCER_VERSION, metadata }
  return encodeModel(createOneTagGraph(detector), info)
}

function createOneTagGraph({ width, mean, scale, exact, filters }: OneTag): Graph {
  const graph = createGraph('one-tag')
  const standard = addStandardInput(graph, {
    name: INPUT_NAME,
    shape: ['B', ONE_TAG_ROWS, width],
    ...{ mean, scale, exact },
    clip: { low: 'clip_low', high: 'clip_high', limit: CLIP },
  })
  const rowsAxis = graph.int64('rows_axis', [1])
  const ratios = MEASURES.map((measure) => {
    const { weights, offset } = filters[measure]
    const weight = graph.float(`${measure}_weights`, [ONE_TAG_ROWS, width], weights)
    const weighted = graph.node('Mul', [standard, weight])
    const sum = graph.node('ReduceSum', [weighted, rowsAxis], { attributes: { keepdims: 0 } })
    return graph.node('Add', [sum, graph.float(`${measure}_offset`, [width], offset)])
  })
  const highest = graph.node('Max', ratios)
  const lowest = graph.node('Min', ratios)
  const { score, ratio, contributions } = OUTPUT_NAMES
  const isHigh = graph.node('Greater', [highest, graph.node('Neg', [lowest])])
  graph.node('Where', [isHigh, highest, lowest], { into: contributions })
  const size = graph.node('Abs', [contributions])
  graph.node('ReduceMax', [size], { into: score, attributes: { axes: [1], keepdims: 0 } })
  graph.node('Div', [score, graph.float('threshold', [], [1])], { into: ratio })
  graph.output(score, ['B'])
  graph.output(ratio, ['B'])
  graph.output(contributions, ['B', width])
  return graph.build()
}
