/** Walks a Sparkplug payload's bytes before any decoder sees them, so that a hostile one costs nothing. */
import { Fault } from '../kit/fault.ts'

export interface PayloadLimits {
  /** One MQTT packet of ours is far below; a birth of 5,000 tags is about 400 kB. */
  maxBytes: number
  /** Metrics at any depth: twice the largest device we poll (5,000 tags). */
  maxMetrics: number
  /** Messages inside messages: a plain metric with properties needs 4; 49 kB of nested templates overflow a naive decoder's stack. */
  maxDepth: number
  /** Fields of any kind: two empty bytes each are a cheap way to make a decoder allocate. */
  maxFields: number
  /** Columns and rows of all DataSets together; a recipe or a batch report has a few hundred. */
  maxColumns: number
  maxRows: number
  /** A compressed body may inflate to this: 1 MB of zeros deflates to 1 kB. */
  maxInflatedBytes: number
}

export const payloadLimits: PayloadLimits = {
  maxBytes: 1024 * 1024,
  maxMetrics: 10_000,
  maxDepth: 8,
  maxFields: 200_000,
  maxColumns: 1_000,
  maxRows: 10_000,
  maxInflatedBytes: 4 * 1024 * 1024,
}

type Kind =
  | 'payload'
  | 'metric'
  | 'leaf'
  | 'properties'
  | 'property'
  | 'propertyList'
  | 'dataSet'
  | 'row'
  | 'template'

/** Which field of which message holds a message (numbers of sparkplug_b.proto). */
const nested: Record<Kind, Readonly<Record<number, Kind>>> = {
  payload: { 2: 'metric' },
  metric: { 8: 'leaf', 9: 'properties', 17: 'dataSet', 18: 'template', 19: 'leaf' },
  properties: { 2: 'property' },
  property: { 9: 'properties', 10: 'propertyList', 11: 'leaf' },
  propertyList: { 1: 'properties' },
  dataSet: { 4: 'row' },
  row: { 1: 'leaf' },
  template: { 2: 'metric', 3: 'leaf' },
  leaf: {},
}

interface Walk {
  bytes: Uint8Array
  limits: PayloadLimits
  metrics: number
  fields: number
  columns: number
  rows: number
}

/** Throws Fault 'sparkplug.invalid' with the byte where the payload breaks a limit or the encoding. */
export function checkPayload(bytes: Uint8Array, limits: PayloadLimits = payloadLimits): void {
  if (bytes.length > limits.maxBytes) throw invalid(`more than ${limits.maxBytes} bytes`, 0)
  walk(
    { bytes, limits, metrics: 0, fields: 0, columns: 0, rows: 0 },
    { kind: 'payload', start: 0, end: bytes.length },
    1,
  )
}

interface Span {
  kind: Kind
  start: number
  end: number
}

function walk(state: Walk, span: Span, depth: number): void {
  if (depth > state.limits.maxDepth) throw invalid('nested too deeply', span.start)
  let at = span.start
  while (at < span.end) {
    state.fields += 1
    if (state.fields > state.limits.maxFields) throw invalid('too many fields', at)
    const tag = readVarint(state.bytes, at, span.end)
    const field = Math.floor(tag.value / 8)
    if (field === 0) throw invalid('a field without a number', at)
    const start = tag.next
    at = skip(state.bytes, tag.value % 8, start, span.end)
    const kind = tag.value % 8 === 2 ? nested[span.kind][field] : undefined
    if (span.kind === 'dataSet') countCells(state, field, start)
    if (kind === undefined) continue
    if (kind === 'metric') countMetric(state, start)
    walk(state, { kind, start: readVarint(state.bytes, start, span.end).next, end: at }, depth + 1)
  }
}

function countMetric(state: Walk, at: number): void {
  state.metrics += 1
  if (state.metrics > state.limits.maxMetrics) throw invalid('too many metrics', at)
}

/** Fields 2 and 4 of a DataSet: a column's name, a row. */
function countCells(state: Walk, field: number, at: number): void {
  if (field === 2) state.columns += 1
  if (field === 4) state.rows += 1
  if (state.columns > state.limits.maxColumns) throw invalid('too many columns', at)
  if (state.rows > state.limits.maxRows) throw invalid('too many rows', at)
}

/** The position after a field of this wire type; groups (3, 4) are not part of the format. */
function skip(bytes: Uint8Array, wireType: number, at: number, end: number): number {
  if (wireType === 0) return readVarint(bytes, at, end).next
  let next = end + 1
  if (wireType === 1) next = at + 8
  else if (wireType === 5) next = at + 4
  else if (wireType === 2) {
    const length = readVarint(bytes, at, end)
    next = length.next + length.value
  } else throw invalid(`wire type ${wireType}`, at)
  if (next > end) throw invalid('a field longer than its message', at)
  return next
}

function readVarint(bytes: Uint8Array, at: number, end: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  for (let next = at; next < end && next < at + 10; next++) {
    const byte = bytes[next] ?? 0
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, next: next + 1 }
    scale *= 128
  }
  throw invalid('a broken varint', at)
}

/** The one shape of this Fault: what is wrong, and where in the bytes. */
export function invalid(what: string, where: number, cause?: unknown): Fault {
  return new Fault('sparkplug.invalid', { what, where }, { cause })
}
