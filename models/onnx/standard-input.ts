/** The beginning of every graph of ours: the raw input, standardised and clipped; in float64 where float32 is too coarse for it. */
import type { Dimension, GraphBuilder } from './graph.ts'

export interface StandardInput {
  name: string
  shape: readonly Dimension[]
  mean: ArrayLike<number>
  scale: ArrayLike<number>
  /** The input is float64: standardised before it is narrowed. */
  exact?: boolean
  clip: { low: string; high: string; limit: number }
}

/** ONNX TensorProto.DataType of the narrowed values. */
const FLOAT = 1

/** The name of the standardised values, float32. */
export function addStandardInput(
  graph: GraphBuilder,
  { name, shape, mean, scale, exact = false, clip }: StandardInput,
): string {
  const constant = exact ? graph.double : graph.float
  const input = graph.input(name, shape, exact ? 'double' : 'float')
  const moved = graph.node('Sub', [input, constant('mean', [mean.length], mean)])
  const scaled = graph.node('Div', [moved, constant('scale', [scale.length], scale)])
  const narrow = exact ? graph.node('Cast', [scaled], { attributes: { to: FLOAT } }) : scaled
  const low = graph.float(clip.low, [], [-clip.limit])
  return graph.node('Clip', [narrow, low, graph.float(clip.high, [], [clip.limit])])
}
