/** Rich metrics on the wire, by protobuf's own library: the product only reads them. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { DataType, Value } from '../model.ts'
import {
  type Payload_DataSetSchema,
  type Payload_MetricSchema,
  type Payload_TemplateSchema,
  PayloadSchema,
} from './generated/sparkplug_b_pb.js'
import type { Metric } from './payload.ts'
import type { DataSet, RichValue, Template } from './rich-values.ts'
import { encodeValue, typeCodes } from './values.ts'

export type WireMetric = MessageInitShape<typeof Payload_MetricSchema>

export function encodeWire(metrics: WireMetric[], head: { seq?: bigint; timestamp?: bigint } = {}) {
  return toBinary(PayloadSchema, create(PayloadSchema, { ...head, metrics }))
}

/** A metric as its sender would form it. */
export function formMetric(metric: Metric): WireMetric {
  const { name, alias, at, type, value, rich } = metric
  const head = {
    ...(name === undefined ? {} : { name }),
    ...(alias === undefined ? {} : { alias: BigInt(alias) }),
    ...(at === undefined ? {} : { timestamp: BigInt(at) }),
    ...(metric.historical ? { isHistorical: true } : {}),
  }
  if (rich) return { ...head, ...formRich(rich) }
  const known = type ?? 'Double'
  if (value === null) return { ...head, datatype: typeCodes[known], isNull: true }
  return { ...head, datatype: typeCodes[known], value: encodeValue(value, known) } as WireMetric
}

export function formRich(rich: RichValue): WireMetric {
  if (rich.kind === 'DataSet') {
    return { datatype: 16, value: { case: 'datasetValue', value: formDataSet(rich) } }
  }
  if (rich.kind === 'Template') {
    return { datatype: 19, value: { case: 'templateValue', value: formTemplate(rich) } }
  }
  const [datatype, value] =
    rich.kind === 'Array'
      ? [typeCodes[rich.type] + 21, packArray(rich.type, rich.values)]
      : [rich.kind === 'File' ? 18 : 17, rich.bytes]
  return { datatype, value: { case: 'bytesValue', value } }
}

const cell = (value: Value | null, type: DataType) =>
  (value === null ? {} : { value: encodeValue(value, type) }) as never

function formDataSet(set: DataSet): MessageInitShape<typeof Payload_DataSetSchema> {
  return {
    numOfColumns: BigInt(set.columns.length),
    columns: set.columns,
    types: set.types.map((type) => typeCodes[type]),
    rows: set.rows.map((row) => ({
      elements: row.map((value, column) => cell(value, set.types[column]!)),
    })),
  }
}

function formTemplate(template: Template): MessageInitShape<typeof Payload_TemplateSchema> {
  const { isDefinition, ref, version, parameters, metrics } = template
  return {
    isDefinition,
    ...(ref === undefined ? {} : { templateRef: ref }),
    ...(version === undefined ? {} : { version }),
    parameters: parameters.map(({ name, type, value }) => ({
      name,
      type: typeCodes[type!],
      ...(cell(value, type!) as object),
    })),
    metrics: metrics.map(formMetric),
  }
}

/** Packed as 6.4.16 of the standard says. */
export function packArray(type: DataType, values: Value[]): Uint8Array {
  if (type === 'String') return Buffer.from(values.map((value) => `${value}\0`).join(''))
  if (type === 'Boolean') {
    const bytes = Buffer.alloc(4 + Math.ceil(values.length / 8))
    bytes.writeUInt32LE(values.length)
    for (const [index, value] of values.entries()) {
      if (value) bytes[4 + (index >> 3)]! |= 0x80 >> (index & 7)
    }
    return bytes
  }
  const array = {
    Int8: Int8Array,
    Int16: Int16Array,
    Int32: Int32Array,
    Int64: BigInt64Array,
    UInt8: Uint8Array,
    UInt16: Uint16Array,
    UInt32: Uint32Array,
    UInt64: BigUint64Array,
    Float: Float32Array,
    Double: Float64Array,
  }[type]
  // The typed arrays of every machine this runs on are little-endian, as the wire is.
  return new Uint8Array((array as Float64ArrayConstructor).from(values as number[]).buffer)
}
