/** Values no single sample can hold, decoded and checked: DataSets, Templates, bytes, files and arrays. */
import type { DataType, Value } from '../model.ts'
import type {
  Payload_DataSet,
  Payload_DataSet_Row,
  Payload_Metric,
  Payload_Template,
  Payload_Template_Parameter,
} from './generated/sparkplug_b_pb.js'
import { readArray } from './packed-array.ts'
import type { Metric } from './payload.ts'
import { arrayItemOf, isBasic, typeNameOf, typeOf, typeValue } from './values.ts'
import { invalid } from './wire-guard.ts'

export interface DataSet {
  kind: 'DataSet'
  columns: string[]
  types: DataType[]
  /** Every row has a value, or null, for each column. */
  rows: (Value | null)[][]
}

export interface TemplateParameter {
  name: string
  type?: DataType
  value: Value | null
}

export interface Template {
  kind: 'Template'
  isDefinition: boolean
  /** Name of the definition; instances only. */
  ref?: string
  version?: string
  parameters: TemplateParameter[]
  metrics: Metric[]
}

export type RichValue =
  | DataSet
  | Template
  /** Without a datatype an array comes as its bytes. */
  | { kind: 'Bytes' | 'File'; bytes: Uint8Array }
  | { kind: 'Array'; type: DataType; values: Value[] }

/** Where in the payload, and how its metrics are read (templates hold metrics again; the guard bounds the depth). */
export interface Reading {
  index: number
  readMetric(wire: Payload_Metric, index: number): Metric
}

/** Undefined for an extension. Throws Fault 'sparkplug.invalid' when the value contradicts itself or its datatype. */
export function readRich(wire: Payload_Metric, reading: Reading): RichValue | undefined {
  const { index } = reading
  const datatype = Object.hasOwn(wire, 'datatype') ? wire.datatype : undefined
  const expect = (...names: string[]) => {
    const named = datatype === undefined ? undefined : typeNameOf(datatype)
    if (named !== undefined && !names.includes(named)) throw invalid(`no ${named}`, index)
  }
  const { value } = wire
  if (value.case === 'datasetValue') {
    expect('DataSet')
    return readDataSet(value.value, index)
  }
  if (value.case === 'templateValue') {
    expect('Template')
    return readTemplate(value.value, reading)
  }
  if (value.case !== 'bytesValue') return undefined
  const item = datatype === undefined ? undefined : arrayItemOf(datatype)
  if (item) return { kind: 'Array', type: item, values: readArray(value.value, item, index) }
  expect('Bytes', 'File')
  return { kind: datatype === 18 ? 'File' : 'Bytes', bytes: value.value }
}

/** tck-id-payloads-dataset-*: as many types and elements as columns, and every type a basic one. */
function readDataSet(wire: Payload_DataSet, index: number): DataSet {
  const { columns } = wire
  const declared = Object.hasOwn(wire, 'numOfColumns') ? wire.numOfColumns : columns.length
  if (Number(declared) !== columns.length) throw invalid(`a DataSet of ${declared} columns`, index)
  if (wire.types.length !== columns.length) throw invalid('a DataSet without its types', index)
  const types = wire.types.map((code) => {
    const type = isBasic(code) ? typeOf(code) : undefined
    if (type === undefined) throw invalid(`a DataSet column of type ${code}`, index)
    return type
  })
  return {
    kind: 'DataSet',
    columns,
    types,
    rows: wire.rows.map((row) => readRow(row, types, index)),
  }
}

function readRow({ elements }: Payload_DataSet_Row, types: DataType[], index: number) {
  if (elements.length !== types.length) throw invalid('a DataSet row of another length', index)
  return types.map((type, column) => readBasic(elements[column]?.value.value, type, index))
}

/** The value of an element or parameter; an absent one is null. */
function readBasic(raw: unknown, type: DataType, index: number): Value | null {
  if (raw === undefined) return null
  const value = isPlain(raw) ? typeValue(raw, type) : undefined
  if (value === undefined) throw invalid(`a value that is not ${type}`, index)
  return value
}

function isPlain(raw: unknown): raw is Value {
  return raw !== undefined && raw !== null && typeof raw !== 'object'
}

/** tck-id-payloads-template-*: a definition refers to nothing, an instance to its definition. */
function readTemplate(wire: Payload_Template, { index, readMetric }: Reading): Template {
  const isDefinition = wire.isDefinition === true
  const ref = Object.hasOwn(wire, 'templateRef') ? wire.templateRef : undefined
  if (isDefinition === (ref !== undefined)) {
    throw invalid('a template that is neither a definition nor an instance of one', index)
  }
  return {
    kind: 'Template',
    isDefinition,
    ...(ref === undefined ? {} : { ref }),
    ...(Object.hasOwn(wire, 'version') ? { version: wire.version } : {}),
    parameters: wire.parameters.map((parameter) => readParameter(parameter, index)),
    metrics: wire.metrics.map((metric) => readMetric(metric, index)),
  }
}

function readParameter(wire: Payload_Template_Parameter, index: number): TemplateParameter {
  if (!wire.name) throw invalid('a template parameter without a name', index)
  const raw = wire.value.value
  if (!Object.hasOwn(wire, 'type')) {
    return { name: wire.name, value: isPlain(raw) ? raw : null }
  }
  const type = isBasic(wire.type) ? typeOf(wire.type) : undefined
  if (type === undefined) throw invalid(`a template parameter of type ${wire.type}`, index)
  return { name: wire.name, type, value: readBasic(raw, type, index) }
}
