/** Sparkplug B payloads as plain objects: encode, and decode behind the wire guard. */
import { gunzipSync, inflateSync } from 'node:zlib'
import { fromBinary } from '@bufbuild/protobuf'
import { type DataType, type Quality, quality, type Value } from '../model.ts'
import {
  type Payload_Metric,
  PayloadSchema,
  type Payload as WirePayload,
} from './generated/sparkplug_b_pb.js'
import { properties, type WireMetric, writePayload } from './payload-writer.ts'
import {
  checkSizes,
  type MetaData,
  type PropertySet,
  readMetaData,
  readPropertySet,
} from './properties.ts'
import { type RichValue, readRich } from './rich-values.ts'
import { encodeValue, typeCodes, typeNameOf, typeOf, typeValue } from './values.ts'
import { checkPayload, invalid, type PayloadLimits, payloadLimits } from './wire-guard.ts'

export interface Metric {
  name?: string
  alias?: number
  /** Unix ms. */
  at?: number
  /** Absent in data messages: the birth declared it (tck-id-payloads-metric-datatype-not-req). */
  type?: DataType
  /** Without a `type` an integer is still the raw unsigned one: read it by `typeValue`. */
  value: Value | null
  historical?: boolean
  quality?: Quality
  /** Raw status of the field protocol, uint32. */
  status?: number
  unit?: string
  /** Told, but not worth storing, says its sender. */
  transient?: true
  /** Set by the decoder where no sample can hold the value, which is null then: the name of the type. */
  unsupported?: string
  /** The value of such a type. */
  rich?: RichValue
  /** Where there are others than those above. */
  properties?: PropertySet
  metadata?: MetaData
}

export interface Payload {
  /** Unix ms. */
  at?: number
  /** 0..255; absent in NDEATH and commands. */
  seq?: number
  metrics: Metric[]
}

export interface EncodeOptions {
  /** Leave datatypes out, as data and command messages should. */
  omitTypes?: boolean
}

/** Tahu's de-facto mark of a compressed payload; the 3.0 text does not know it. */
const COMPRESSED = 'SPBV1.0_COMPRESSED'

/** ECMA-262: no Date lies beyond. */
const MAX_INSTANT = 8_640_000_000_000_000n

/** Throws Fault 'sparkplug.invalid' when a value does not fit its type. */
export function encodePayload(payload: Payload, options: EncodeOptions = {}): Uint8Array {
  const metrics = payload.metrics.map((metric, index) => toWire(metric, index, options))
  return writePayload(payload, metrics)
}

function toWire(metric: Metric, index: number, options: EncodeOptions): WireMetric {
  const type = metric.type ?? guessType(metric.value)
  const value = metric.value === null ? undefined : encodeValue(metric.value, type)
  if (metric.value !== null && value === undefined) {
    throw invalid(`metric ${metric.name ?? metric.alias} does not fit ${type}`, index)
  }
  return { metric, value, datatype: options.omitTypes ? undefined : typeCodes[type] }
}

/** The type of a metric that names none. */
export function guessType(value: Value | null): DataType {
  if (typeof value === 'bigint') return 'Int64'
  if (typeof value === 'boolean') return 'Boolean'
  return typeof value === 'string' ? 'String' : 'Double'
}

/**
 * Bytes from anybody to metrics. Throws Fault 'sparkplug.invalid' naming the byte (or metric) at fault.
 * A compressed body is inflated up to `maxInflatedBytes` and checked by the same limits.
 */
export function decodePayload(bytes: Uint8Array, limits: PayloadLimits = payloadLimits): Payload {
  const outer = parse(bytes, limits)
  if (outer.uuid !== COMPRESSED) return toPayload(outer)
  const algorithm = outer.metrics.find((metric) => metric.name === 'algorithm')?.value.value
  const inner = inflate(outer.body, String(algorithm ?? 'DEFLATE'), limits)
  const payload = toPayload(parse(inner, { ...limits, maxBytes: limits.maxInflatedBytes }))
  if (Object.hasOwn(outer, 'seq')) payload.seq = sequence(outer.seq)
  return payload
}

function parse(bytes: Uint8Array, limits: PayloadLimits): WirePayload {
  checkPayload(bytes, limits)
  try {
    return fromBinary(PayloadSchema, bytes)
  } catch (error) {
    throw invalid('not a Sparkplug message', 0, error)
  }
}

function inflate(body: Uint8Array, algorithm: string, limits: PayloadLimits): Uint8Array {
  const options = { maxOutputLength: limits.maxInflatedBytes }
  try {
    return algorithm.toUpperCase() === 'GZIP'
      ? gunzipSync(body, options)
      : inflateSync(body, options)
  } catch (error) {
    throw invalid('a compressed body that does not inflate within the limit', 0, error)
  }
}

function toPayload(message: WirePayload): Payload {
  const payload: Payload = { metrics: message.metrics.map(toMetric) }
  if (Object.hasOwn(message, 'timestamp')) payload.at = toInstant(message.timestamp, 0)
  if (Object.hasOwn(message, 'seq')) payload.seq = sequence(message.seq)
  return payload
}

function sequence(seq: bigint): number {
  // tck-id-payloads-nbirth-seq: 0 to 255 inclusive.
  if (seq > 255n) throw invalid(`sequence number ${seq}`, 0)
  return Number(seq)
}

function toInstant(timestamp: bigint, where: number): number {
  if (timestamp > MAX_INSTANT) throw invalid(`timestamp ${timestamp}`, where)
  return Number(timestamp)
}

function toMetric(wire: Payload_Metric, index: number): Metric {
  const metric: Metric = { value: null }
  // proto2: a field that was not sent is not an own property of the message.
  if (Object.hasOwn(wire, 'name')) metric.name = toName(wire.name, index)
  if (Object.hasOwn(wire, 'alias')) metric.alias = toAlias(wire.alias, index)
  if (Object.hasOwn(wire, 'timestamp')) metric.at = toInstant(wire.timestamp, index)
  if (wire.isHistorical) metric.historical = true
  if (wire.isTransient) metric.transient = true
  if (wire.metadata) metric.metadata = readMetaData(wire.metadata)
  readProperties(wire, metric, index)
  const typed = Object.hasOwn(wire, 'datatype')
  if (typed) metric.type = typeOf(wire.datatype)
  if (typed && metric.type === undefined) metric.unsupported = typeNameOf(wire.datatype)
  if (wire.isNull || wire.value.case === undefined) return metric
  const raw = wire.value.value
  if (typeof raw === 'object') readObject(wire, metric, index)
  else if (!metric.unsupported) {
    metric.value = metric.type === undefined ? raw : readTyped(raw, metric.type, index)
  }
  return metric
}

function readObject(wire: Payload_Metric, metric: Metric, index: number): void {
  const rich = readRich(wire, { index, readMetric: toMetric })
  if (rich) metric.rich = rich
  metric.unsupported ??= rich?.kind ?? 'extension'
}

function readTyped(raw: Value, type: DataType, index: number): Value {
  const value = typeValue(raw, type)
  if (value === undefined) throw invalid(`a value that is not ${type}`, index)
  return value
}

/** proto2 does not check UTF-8 but replaces what is broken: two different names could become one. */
function toName(name: string, index: number): string {
  if (name.includes('\ufffd')) throw invalid('a name that is not UTF-8', index)
  return name
}

function toAlias(alias: bigint, index: number): number {
  if (alias > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`alias ${alias}`, index)
  return Number(alias)
}

function readProperties(wire: Payload_Metric, metric: Metric, index: number): void {
  if (!wire.properties) return
  const { keys, values } = wire.properties
  checkSizes(wire.properties, index)
  let ours = 0
  for (const [at, key] of keys.entries()) {
    const value = values[at]?.value.value
    if (key === properties.quality && isQuality(value)) metric.quality = value
    else if (key === properties.status && typeof value === 'number') metric.status = value
    else if (key === properties.unit && typeof value === 'string') metric.unit = value
    else continue
    ours += 1
  }
  if (ours < keys.length) metric.properties = readPropertySet(wire.properties, index)
}

function isQuality(value: unknown): value is Quality {
  return value === quality.good || value === quality.bad || value === quality.stale
}
