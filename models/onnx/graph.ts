/** A small builder of ONNX graphs: nodes in order, constants, inputs and outputs with named dimensions. */
import { Fault } from '../../protocol/kit/fault.ts'

/** A number is fixed; a string names a dimension that is known only when the model runs. */
export type Dimension = number | string

export interface Port {
  name: string
  shape: readonly Dimension[]
  /** `float` when left out. */
  type?: 'float' | 'double'
}

/** What a node attribute may hold here: an integer, a list of integers, a list of floats or of strings, a string. */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }

export interface Node {
  op: string
  /** Operator set; the ONNX one when left out. */
  domain?: string
  inputs: readonly string[]
  output: string
  attributes: Readonly<Record<string, Attribute>>
}

/** A constant tensor; a `float` is narrowed to float32 when it is written. */
export interface Constant {
  name: string
  type: 'float' | 'double' | 'int64'
  shape: readonly number[]
  values: ArrayLike<number>
}

export interface Graph {
  name: string
  inputs: Port[]
  outputs: Port[]
  nodes: Node[]
  constants: Constant[]
}

export interface GraphBuilder {
  /** Declares an input, float32 unless it is said to be double, and answers its name. */
  input(name: string, shape: readonly Dimension[], type?: Port['type']): string
  /** Adds a float32 constant; `shape` is [] for a scalar. */
  float(name: string, shape: readonly number[], values: ArrayLike<number>): string
  /** The same in float64. */
  double(name: string, shape: readonly number[], values: ArrayLike<number>): string
  /** Adds an int64 constant vector. */
  int64(name: string, values: readonly number[]): string
  /** Adds a node and answers the name of its output, `into` or a numbered one. */
  node(op: string, inputs: readonly string[], options?: NodeOptions): string
  /** Declares a float output; the name must be an output of a node. */
  output(name: string, shape: readonly Dimension[]): void
  /** The graph; throws Fault 'internal' when a name is used before it is made, or made twice. */
  build(): Graph
}

export interface NodeOptions {
  into?: string
  domain?: string
  attributes?: Readonly<Record<string, Attribute>>
}

/** Starts an empty graph. */
export function createGraph(name: string): GraphBuilder {
  const graph: Graph = { name, inputs: [], outputs: [], nodes: [], constants: [] }
  const constant = (type: Constant['type'], label: string, shape: readonly number[]) => {
    return (values: ArrayLike<number>): string => {
      graph.constants.push({ name: label, type, shape, values })
      return label
    }
  }
  return {
    input(label, shape, type) {
      graph.inputs.push({ name: label, shape, type })
      return label
    },
    float: (label, shape, values) => constant('float', label, shape)(values),
    double: (label, shape, values) => constant('double', label, shape)(values),
    int64: (label, values) => constant('int64', label, [values.length])(values),
    node(op, inputs, { into, domain, attributes = {} } = {}) {
      const output = into ?? `${op.toLowerCase()}_${graph.nodes.length}`
      graph.nodes.push({ op, domain, inputs, output, attributes })
      return output
    },
    output(label, shape) {
      graph.outputs.push({ name: label, shape })
    },
    build: () => checked(graph),
  }
}

/** ONNX wants nodes in topological order and every name made once; better said here than by a runtime. */
function checked(graph: Graph): Graph {
  const known = new Set<string>()
  const make = (name: string) => {
    if (known.has(name)) throw new Fault('internal', { what: `graph value ${name} is made twice` })
    known.add(name)
  }
  for (const { name } of graph.inputs) make(name)
  for (const { name, shape, values } of graph.constants) {
    const size = shape.reduce((product, length) => product * length, 1)
    if (size !== values.length)
      throw new Fault('internal', {
        what: `constant ${name} has ${values.length} of ${size} values`,
      })
    make(name)
  }
  for (const node of graph.nodes) {
    const missing = node.inputs.find((name) => !known.has(name))
    if (missing !== undefined)
      throw new Fault('internal', { what: `node ${node.op} reads ${missing} before it is made` })
    make(node.output)
  }
  const lost = graph.outputs.find(({ name }) => !known.has(name))
  if (lost) throw new Fault('internal', { what: `graph output ${lost.name} is made by no node` })
  return graph
}
