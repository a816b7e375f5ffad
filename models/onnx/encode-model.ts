/** Writes a graph as the bytes of an ONNX ModelProto (onnx.proto3, IR version 8), the same bytes every time. */
import type { Attribute, Constant, Graph, Node, Port } from './graph.ts'
import { ProtobufWriter } from './protobuf.ts'

/** IR 8 and ai.onnx 17 (ONNX 1.12, 2022): old enough for every runtime in use, new enough for axes as inputs. */
export const IR_VERSION = 8
export const OPSET_VERSION = 17
/** Operator sets beside ai.onnx: trees (ai.onnx.ml 3 knows float32 trees, ONNX 1.11). */
const DOMAIN_VERSIONS: Readonly<Record<string, number>> = { 'ai.onnx.ml': 3 }

/** TensorProto.DataType and AttributeProto.AttributeType of onnx.proto3. */
const TYPES = { float: 1, int64: 7, double: 11 } as const
const ATTRIBUTE_INT = 2
const ATTRIBUTE_STRING = 3
const ATTRIBUTE_FLOATS = 6
const ATTRIBUTE_INTS = 7
const ATTRIBUTE_STRINGS = 8

export interface ModelInfo {
  producerName: string
  producerVersion: string
  /** Written as metadata_props, sorted by key. */
  metadata: Readonly<Record<string, string>>
}

/** The bytes of a `.onnx` file. */
export function encodeModel(graph: Graph, info: ModelInfo): Uint8Array {
  const model = new ProtobufWriter()
    .varint(1, IR_VERSION)
    .string(2, info.producerName)
    .string(3, info.producerVersion)
    .varint(5, 1)
    .message(7, encodeGraph(graph))
    .message(8, new ProtobufWriter().string(1, '').varint(2, OPSET_VERSION))
  for (const [domain, version] of Object.entries(DOMAIN_VERSIONS))
    if (graph.nodes.some((node) => node.domain === domain))
      model.message(8, new ProtobufWriter().string(1, domain).varint(2, version))
  for (const key of Object.keys(info.metadata).sort())
    model.message(14, new ProtobufWriter().string(1, key).string(2, info.metadata[key] ?? ''))
  return model.finish()
}

function encodeGraph(graph: Graph): ProtobufWriter {
  const writer = new ProtobufWriter()
  for (const node of graph.nodes) writer.message(1, encodeNode(node))
  writer.string(2, graph.name)
  for (const constant of graph.constants) writer.message(5, encodeTensor(constant))
  for (const port of graph.inputs) writer.message(11, encodePort(port))
  for (const port of graph.outputs) writer.message(12, encodePort(port))
  return writer
}

function encodeNode({ op, domain, inputs, output, attributes }: Node): ProtobufWriter {
  const writer = new ProtobufWriter()
  for (const input of inputs) writer.string(1, input)
  writer.string(2, output).string(3, output).string(4, op)
  for (const name of Object.keys(attributes).sort()) {
    const value = attributes[name]
    if (value !== undefined) writer.message(5, encodeAttribute(name, value))
  }
  if (domain !== undefined) writer.string(7, domain)
  return writer
}

function encodeAttribute(name: string, value: Attribute): ProtobufWriter {
  const writer = new ProtobufWriter().string(1, name)
  if (typeof value === 'number') return writer.varint(3, value).varint(20, ATTRIBUTE_INT)
  if (typeof value === 'string') return writer.string(4, value).varint(20, ATTRIBUTE_STRING)
  if ('floats' in value)
    return writer.bytes(7, encodeFloats(value.floats)).varint(20, ATTRIBUTE_FLOATS)
  if ('strings' in value) {
    for (const text of value.strings) writer.string(9, text)
    return writer.varint(20, ATTRIBUTE_STRINGS)
  }
  return writer.packed(8, value).varint(20, ATTRIBUTE_INTS)
}

function encodeFloats(values: readonly number[]): Uint8Array {
  const raw = new DataView(new ArrayBuffer(values.length * 4))
  values.forEach((value, i) => {
    raw.setFloat32(i * 4, value, true)
  })
  return new Uint8Array(raw.buffer)
}

/** Values travel as raw_data: little-endian, whatever the machine. */
function encodeTensor({ name, type, shape, values }: Constant): ProtobufWriter {
  const writer = new ProtobufWriter().packed(1, shape)
  const width = type === 'float' ? 4 : 8
  const raw = new DataView(new ArrayBuffer(values.length * width))
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (type === 'float') raw.setFloat32(i * 4, value, true)
    else if (type === 'double') raw.setFloat64(i * 8, value, true)
    else raw.setBigInt64(i * 8, BigInt(value), true)
  }
  writer.varint(2, TYPES[type]).string(8, name)
  return writer.bytes(9, new Uint8Array(raw.buffer))
}

function encodePort({ name, shape, type = 'float' }: Port): ProtobufWriter {
  const dimensions = new ProtobufWriter()
  for (const size of shape) {
    const one = new ProtobufWriter()
    dimensions.message(1, typeof size === 'number' ? one.varint(1, size) : one.string(2, size))
  }
  const tensor = new ProtobufWriter().varint(1, TYPES[type]).message(2, dimensions)
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor))
}
