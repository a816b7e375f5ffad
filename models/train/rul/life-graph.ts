/** Writes a remaining-life model, or a health index, as an ONNX graph from features to its numbers. */
import { encodeModel } from '../../onnx/encode-model.ts'
import { createGraph, type GraphBuilder } from '../../onnx/graph.ts'
import { addStandardInput } from '../../onnx/standard-input.ts'
import type { HealthModel } from './health-index.ts'
import type { LifeModel } from './life-model.ts'
import { type Ridge, Z_CLIP } from './random-feature-ridge.ts'

export const INPUT_NAME = 'features'
export const LIFE_OUTPUTS = { rul: 'rul', low: 'rul_lo', high: 'rul_hi' } as const
export const HEALTH_OUTPUTS = { health: 'health' } as const

export interface GraphOptions {
  name: string
  /** Units of time per row: outputs are in units of time. */
  step: number
  metadata: Readonly<Record<string, string>>
}

const PRODUCER = { producerName: 'mimamori', producerVersion: '1' }

/** `features [B, F]` → rul, rul_lo, rul_hi `[B]`, in units of time. */
export function encodeLife(model: LifeModel, { name, step, metadata }: GraphOptions): Uint8Array {
  const graph = createGraph(name)
  const value = addRidge(graph, model.ridge)
  const cap = graph.float('cap', [], [model.cap])
  const zero = graph.float('zero', [], [0])
  const rul = graph.node('Clip', [value, zero, cap])
  const { knots, low, high } = model.interval
  const ramps = addRamps(graph, rul, knots)
  const unit = graph.float('step', [], [step])
  const axis = graph.int64('last_axis', [-1])
  const emit = (rows: string, output: string) => {
    const flat = graph.node('Squeeze', [rows, axis])
    graph.node('Mul', [flat, unit], { into: output })
    graph.output(output, ['B'])
  }
  const addEnd = (offsets: readonly number[], output: string) => {
    const changes = offsets.slice(1).map((offset, i) => offset - (offsets[i] ?? 0))
    const base = graph.float(`${output}_base`, [], [offsets[0] ?? 0])
    const moved = ramps
      ? graph.node('Add', [
          graph.node('MatMul', [
            ramps,
            graph.float(`${output}_changes`, [changes.length, 1], changes),
          ]),
          base,
        ])
      : base
    emit(graph.node('Clip', [graph.node('Add', [rul, moved]), zero, cap]), output)
  }
  emit(rul, LIFE_OUTPUTS.rul)
  addEnd(low, LIFE_OUTPUTS.low)
  addEnd(high, LIFE_OUTPUTS.high)
  return encodeModel(graph.build(), { ...PRODUCER, metadata })
}

/** `features [B, F]` → health `[B]`: 0 as new, 1 where the known histories ended. */
export function encodeHealth(model: HealthModel, { name, metadata }: GraphOptions): Uint8Array {
  const graph = createGraph(name)
  const value = addRidge(graph, model.ridge)
  graph.node('Squeeze', [value, graph.int64('last_axis', [-1])], { into: HEALTH_OUTPUTS.health })
  graph.output(HEALTH_OUTPUTS.health, ['B'])
  return encodeModel(graph.build(), { ...PRODUCER, metadata })
}

/** `[B, 1]`. */
function addRidge(graph: GraphBuilder, ridge: Ridge): string {
  const { mean, scale, exact, projection, bias, weights, intercept } = ridge
  const width = mean.length
  const z = addStandardInput(graph, {
    name: INPUT_NAME,
    shape: ['B', width],
    ...{ mean, scale, exact },
    clip: { low: 'z_low', high: 'z_high', limit: Z_CLIP },
  })
  const columns = bias.length === 0 ? z : addHidden(graph, z, { width, projection, bias })
  const weighted = graph.node('MatMul', [
    columns,
    graph.float('weights', [weights.length, 1], weights),
  ])
  return graph.node('Add', [weighted, graph.float('intercept', [], [intercept])])
}

type Hidden = Pick<Ridge, 'projection' | 'bias'> & { width: number }

function addHidden(graph: GraphBuilder, z: string, { width, projection, bias }: Hidden): string {
  const matrix = graph.float('projection', [width, bias.length], projection)
  const sums = graph.node('Add', [
    graph.node('MatMul', [z, matrix]),
    graph.float('bias', [bias.length], bias),
  ])
  return graph.node('Concat', [z, graph.node('Tanh', [sums])], { attributes: { axis: -1 } })
}

/** `[B, K-1]`: 0 below a knot, 1 above the next one, linear between; undefined for a single knot. */
function addRamps(graph: GraphBuilder, rul: string, knots: readonly number[]): string | undefined {
  if (knots.length < 2) return undefined
  const widths = knots.slice(1).map((knot, i) => knot - (knots[i] ?? 0))
  const from = graph.float('knots', [1, widths.length], knots.slice(0, -1))
  const shares = graph.node('Div', [
    graph.node('Sub', [rul, from]),
    graph.float('knot_widths', [1, widths.length], widths),
  ])
  return graph.node('Clip', [shares, graph.float('none', [], [0]), graph.float('all', [], [1])])
}
