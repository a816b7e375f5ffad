/** The bytes of a Sparkplug payload, written straight from plain objects: the same ones protobuf's library writes, in a fraction of its time. */
import { quality as qualities, type Sample } from '../model.ts'
import type { Metric, Payload } from './payload.ts'
import { ROW_METRIC_BYTES, writeRow } from './row-writer.ts'
import { encodeValue, typeCodes, type WireValue } from './values.ts'
import { writeVarint } from './varint.ts'
import { type DataMessage, isPlain, type WireForm } from './wire-form.ts'

/** What the writer is told of each metric: the value as it travels, and whether its type is named. */
export interface WireMetric {
  metric: Metric
  value: WireValue | undefined
  /** Undefined: left out. */
  datatype: number | undefined
}

/** Names of the metric properties we send and understand. */
export const properties = { quality: 'Quality', status: 'StatusCode', unit: 'engUnit' } as const

/** Tag bytes: field number × 8 + wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes). */
const payloadKeys = { timestamp: 0x08, metrics: 0x12, seq: 0x18 } as const
const metricKeys = {
  name: 0x0a,
  alias: 0x10,
  timestamp: 0x18,
  datatype: 0x20,
  isHistorical: 0x28,
  isNull: 0x38,
  properties: 0x4a,
  intValue: 0x50,
  longValue: 0x58,
  floatValue: 0x65,
  doubleValue: 0x69,
  booleanValue: 0x70,
  stringValue: 0x7a,
} as const
const propertyKeys = { keys: 0x0a, values: 0x12, type: 0x08, intValue: 0x18, stringValue: 0x42 }

/** One buffer for all: it grows to the largest message, and each message is copied out of it. */
let buffer = Buffer.allocUnsafe(64 * 1024)
let length = 0

/** Room for any field but a text. */
const FIELD_ROOM = 32

function room(size: number): void {
  if (length + size <= buffer.length) return
  const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + size))
  buffer.copy(grown, 0, 0, length)
  buffer = grown
}

/** Calls are not nested: nothing between start and copy waits for anything. */
export function writePayload(head: Head, metrics: Iterable<WireMetric>): Uint8Array {
  writeHead(head)
  for (const metric of metrics) {
    room(FIELD_ROOM)
    buffer[length++] = payloadKeys.metrics
    writeSized(() => writeMetric(metric))
  }
  return finish(head)
}

type Head = Pick<Payload, 'at' | 'seq'>

function writeHead({ at }: Head): void {
  length = 0
  room(FIELD_ROOM)
  if (at !== undefined) writeVarintField(payloadKeys.timestamp, instant(at))
}

function finish({ seq }: Head): Uint8Array {
  room(FIELD_ROOM)
  if (seq !== undefined) writeVarintField(payloadKeys.seq, seq)
  return new Uint8Array(buffer.subarray(0, length))
}

/** The same bytes as `writePayload` of the metrics these samples are, without making those. */
export function writeData(head: Head, { parts, historical }: DataMessage): Uint8Array {
  writeHead(head)
  for (const part of parts) {
    if ('places' in part) {
      room(part.values.length * ROW_METRIC_BYTES)
      length = writeRow(buffer, length, { ...part, historical })
      continue
    }
    const { samples, forms } = part
    for (let i = 0; i < samples.length; i++) {
      room(FIELD_ROOM * 4)
      buffer[length++] = payloadKeys.metrics
      const start = ++length
      writeSample(samples[i] as Sample, forms[i] as WireForm, historical)
      closeSized(start)
    }
  }
  return finish(head)
}

/** The bytes of the last time: a poll gives a thousand samples of one. */
const stamp = { at: -1, bytes: new Uint8Array(12), length: 0 }

function writeStamp(at: number): void {
  if (at === stamp.at) {
    for (let i = 0; i < stamp.length; i++) buffer[length++] = stamp.bytes[i] as number
    return
  }
  const start = length
  writeVarintField(metricKeys.timestamp, instant(at))
  stamp.at = at
  stamp.length = length - start
  stamp.bytes.set(buffer.subarray(start, length))
}

function writeSample(sample: Sample, form: WireForm, historical: boolean): void {
  const { value, status } = sample
  writeVarintField(metricKeys.alias, form.alias)
  writeStamp(sample.at)
  if (historical) writeVarintField(metricKeys.isHistorical, 1)
  if (value === null) writeVarintField(metricKeys.isNull, 1)
  const isGood = sample.quality === qualities.good
  if (!isGood || status !== undefined) {
    writeProperties({ quality: isGood ? undefined : sample.quality, status })
  }
  if (value === null) return
  if (!isPlain(value, form)) {
    const wire = encodeValue(value, form.type)
    if (wire) writeValue(wire)
  } else if (form.isWhole) writeVarintField(metricKeys.intValue, value >>> 0)
  else {
    const isFloat = form.type === 'Float'
    buffer[length++] = isFloat ? metricKeys.floatValue : metricKeys.doubleValue
    if (isFloat) length = buffer.writeFloatLE(value, length)
    else length = buffer.writeDoubleLE(value, length)
  }
}

function instant(at: number): number {
  return Math.max(0, Math.round(at))
}

/** A length of one byte is assumed; what turns out longer moves up. */
function writeSized(write: () => void): void {
  const start = ++length
  write()
  closeSized(start)
}

function closeSized(start: number): void {
  const size = length - start
  if (size < 128) {
    buffer[start - 1] = size
    return
  }
  const extra = size < 1 << 14 ? 1 : size < 1 << 21 ? 2 : size < 1 << 28 ? 3 : 4
  room(extra)
  buffer.copyWithin(start + extra, start, length)
  length = start - 1
  length = writeVarint(buffer, length, size)
  length += size
}

function writeMetric({ metric, value, datatype }: WireMetric): void {
  const { name, alias, at } = metric
  if (name !== undefined) writeText(metricKeys.name, name)
  room(FIELD_ROOM * 2)
  if (alias !== undefined) writeVarintField(metricKeys.alias, alias)
  if (at !== undefined) writeVarintField(metricKeys.timestamp, instant(at))
  if (datatype !== undefined) writeVarintField(metricKeys.datatype, datatype)
  if (metric.historical) writeVarintField(metricKeys.isHistorical, 1)
  if (value === undefined) writeVarintField(metricKeys.isNull, 1)
  writeProperties(metric)
  if (value !== undefined) writeValue(value)
}

function writeValue(wire: WireValue): void {
  room(FIELD_ROOM)
  if (wire.case === 'intValue') writeVarintField(metricKeys.intValue, wire.value)
  else if (wire.case === 'booleanValue')
    writeVarintField(metricKeys.booleanValue, wire.value ? 1 : 0)
  else if (wire.case === 'stringValue') writeText(metricKeys.stringValue, wire.value)
  else {
    buffer[length++] = metricKeys[wire.case]
    if (wire.case === 'longValue') writeLong(wire.value)
    else if (wire.case === 'floatValue') length = buffer.writeFloatLE(wire.value, length)
    else length = buffer.writeDoubleLE(wire.value, length)
  }
}

/** tck-id-payloads-propertyset-quality-value-type: Int32 in int_value. */
function writeProperties({ quality, status, unit }: Omit<Metric, 'value'>): void {
  if (quality === undefined && status === undefined && unit === undefined) return
  buffer[length++] = metricKeys.properties
  writeSized(() => {
    if (quality !== undefined) writeText(propertyKeys.keys, properties.quality)
    if (status !== undefined) writeText(propertyKeys.keys, properties.status)
    if (unit !== undefined) writeText(propertyKeys.keys, properties.unit)
    if (quality !== undefined) writeIntProperty(typeCodes.Int32, quality)
    if (status !== undefined) writeIntProperty(typeCodes.UInt32, status >>> 0)
    if (unit !== undefined) {
      room(FIELD_ROOM)
      buffer[length++] = propertyKeys.values
      writeSized(() => {
        writeVarintField(propertyKeys.type, typeCodes.String)
        writeText(propertyKeys.stringValue, unit)
      })
    }
  })
}

function writeIntProperty(type: number, value: number): void {
  room(FIELD_ROOM)
  buffer[length++] = propertyKeys.values
  writeSized(() => {
    writeVarintField(propertyKeys.type, type)
    writeVarintField(propertyKeys.intValue, value)
  })
}

function writeText(key: number, text: string): void {
  const size = Buffer.byteLength(text)
  room(size + FIELD_ROOM)
  writeVarintField(key, size)
  length += buffer.write(text, length)
}

function writeVarintField(key: number, value: number): void {
  buffer[length++] = key
  length = writeVarint(buffer, length, value)
}

function writeLong(value: bigint): void {
  if (value <= Number.MAX_SAFE_INTEGER) {
    length = writeVarint(buffer, length, Number(value))
    return
  }
  let rest = value
  while (rest > 127n) {
    buffer[length++] = Number(rest & 127n) | 128
    rest >>= 7n
  }
  buffer[length++] = Number(rest)
}
