/** Writes a fitted detector as an ONNX graph: raw windows in; score, ratio and contributions out. */
import { encodeModel } from '../onnx/encode-model.ts'
import { createGraph, type Graph, type GraphBuilder } from '../onnx/graph.ts'
import { addStandardInput } from '../onnx/standard-input.ts'
import { CLIP, type Detector, SCORE_ROWS, windowRows } from './detector.ts'

export const INPUT_NAME = 'window'
export const OUTPUT_NAMES = {
  score: 'score',
  ratio: 'ratio',
  contributions: 'contributions',
} as const

/** The file's version field: raise it when the same detector gives other bytes. */
const PRODUCER_VERSION = '1'

/** The bytes of `model.onnx`; input `[B, T, p]` float32 (float64 for an exact detector), B free. */
export function encodeDetector(
  detector: Detector,
  threshold: number,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const info = { producerName: 'mimamori', producerVersion: PRODUCER_VERSION, metadata }
  return encodeModel(createDetectorGraph(detector, threshold), info)
}

function createDetectorGraph(detector: Detector, threshold: number): Graph {
  const { width } = detector
  const graph = createGraph('lagged-mahalanobis')
  const offset = stackLags(graph, detector)
  const whiten = graph.float('whiten', [offset.size, offset.size], detector.whiten)
  const white = graph.node('MatMul', [offset.name, whiten])
  const sum = graph.node(
    'ReduceSum',
    [graph.node('Mul', [white, white]), graph.int64('last_axis', [2])],
    {
      attributes: { keepdims: 0 },
    },
  )
  const overRows = { axes: [1], keepdims: 0 }
  const { score, ratio, contributions } = OUTPUT_NAMES
  graph.node('ReduceMean', [graph.node('Sqrt', [sum])], { into: score, attributes: overRows })
  graph.node('Div', [score, graph.float('threshold', [], [threshold])], { into: ratio })
  const middle = graph.node('ReduceMean', [offset.name], { attributes: overRows })
  const explain = graph.float('explain', [offset.size, width], detector.explain)
  graph.node('MatMul', [middle, explain], { into: contributions })
  graph.output(score, ['B'])
  graph.output(ratio, ['B'])
  graph.output(contributions, ['B', width])
  return graph.build()
}

/** Standardise, clip, put the lagged rows side by side and take their mean off: `[B, 10, d]`. */
function stackLags(graph: GraphBuilder, detector: Detector): { name: string; size: number } {
  const { width, lags, mean, scale, exact, center } = detector
  const standard = addStandardInput(graph, {
    name: INPUT_NAME,
    shape: ['B', windowRows(lags), width],
    ...{ mean, scale, exact },
    clip: { low: 'clip_low', high: 'clip_high', limit: CLIP },
  })
  const axis = graph.int64('time_axis', [1])
  const parts = Array.from({ length: lags + 1 }, (_, lag) => {
    const from = graph.int64(`lag_${lag}_from`, [lags - lag])
    const to = graph.int64(`lag_${lag}_to`, [lags - lag + SCORE_ROWS])
    return graph.node('Slice', [standard, from, to, axis])
  })
  const stacked = graph.node('Concat', parts, { attributes: { axis: 2 } })
  const size = width * (lags + 1)
  return { name: graph.node('Sub', [stacked, graph.float('center', [size], center)]), size }
}
