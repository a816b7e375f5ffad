/** Writes a model of failure modes as an ONNX graph: features to shares of belief and to strangeness, class by class. */
import { encodeModel } from '../../onnx/encode-model.ts'
import { createGraph, type GraphBuilder } from '../../onnx/graph.ts'
import { addTreeEnsemble } from '../../onnx/tree-ensemble.ts'
import type { FittedFailures } from './fit-failures.ts'

export const INPUT_NAME = 'features'
export const OUTPUT_NAMES = { shares: 'shares', strangeness: 'strangeness' } as const

/** `features [B, F]` → `shares [B, classes]`, `strangeness [B, classes]`: distance to the nearest window of the class over its limit. */
export function encodeFailures(
  fitted: FittedFailures,
  { name, metadata }: { name: string; metadata: Readonly<Record<string, string>> },
): Uint8Array {
  const { trees, references, limits } = fitted
  const graph = createGraph(name)
  const input = graph.input(INPUT_NAME, ['B', references.width])
  const scores = addTreeEnsemble(graph, input, trees)
  graph.node('Softmax', [scores], { into: OUTPUT_NAMES.shares, attributes: { axis: -1 } })
  graph.output(OUTPUT_NAMES.shares, ['B', trees.classes])
  addStrangeness(graph, input, fitted)
  graph.output(OUTPUT_NAMES.strangeness, ['B', limits.length])
  return encodeModel(graph.build(), { producerName: 'mimamori', producerVersion: '1', metadata })
}

function addStrangeness(
  graph: GraphBuilder,
  input: string,
  { references: { width, scatter, points }, limits }: FittedFailures,
): void {
  const compressed = graph.node('Asinh', [input])
  const own = graph.node('Div', [compressed, graph.float('scatter', [width], scatter)])
  const one = graph.node('Unsqueeze', [own, graph.int64('middle', [1])])
  const nearest = points.map((group, label) => {
    const flat = Float64Array.from(group.flatMap((point) => Array.from(point)))
    const known = graph.float(`windows ${label}`, [1, group.length, width], flat)
    const off = graph.node('Sub', [one, known])
    const square = graph.node('Mul', [off, off])
    const fourth = graph.node('Mul', [square, square])
    const mean = graph.node('ReduceMean', [fourth], { attributes: { axes: [2], keepdims: 0 } })
    const root = graph.node('Sqrt', [graph.node('Sqrt', [mean])])
    return graph.node('ReduceMin', [root], { attributes: { axes: [1], keepdims: 1 } })
  })
  const distances = graph.node('Concat', nearest, { attributes: { axis: 1 } })
  graph.node('Div', [distances, graph.float('limits', [1, limits.length], limits)], {
    into: OUTPUT_NAMES.strangeness,
  })
}
