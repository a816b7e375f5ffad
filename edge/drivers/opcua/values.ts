/** OPC UA values to ours and back; the full StatusCode and the wanted time are kept. */
import {
  type DataValue,
  type ReadValueIdOptions,
  DataType as UaType,
  Variant,
  VariantArrayType,
} from 'node-opcua-client'
import {
  type Quality,
  quality,
  type Sample,
  type Tag,
  type Value,
} from '../../../protocol/model.ts'
import { addressOf } from './address.ts'
import { codes } from './node-ids.ts'
import type { OpcuaOptions } from './options.ts'

/** An array as text of a tag: beyond this it is no process value any more. */
const MAX_TEXT_CHARS = 64 * 1024

/** The sample a DataValue makes; `arrivedAt` is the time of last resort. */
export function toSample(
  tag: Tag,
  data: DataValue,
  { timestamp, arrivedAt }: { timestamp: OpcuaOptions['timestamp']; arrivedAt: number },
): Sample {
  const status = data.statusCode.value >>> 0
  const at = pickTime(data, timestamp) ?? arrivedAt
  const grade = gradeStatus(status)
  if (grade === quality.bad) return badSample(tag, at, status)
  const value = readVariant(data.value, tag)
  if (typeof value === 'object') return badSample(tag, at, status === 0 ? value.status : status)
  return { tag: tag.id, at, value, quality: grade, status }
}

export function badSample(tag: Tag, at: number, status: number): Sample {
  return { tag: tag.id, at, value: null, quality: quality.bad, status: status >>> 0 }
}

/** Severity is in the two top bits; Uncertain keeps its value but is not to be relied upon. */
export function gradeStatus(status: number): Quality {
  const severity = status >>> 30
  return severity === 0 ? quality.good : severity === 1 ? quality.stale : quality.bad
}

/** InfoType DataValue with the bit Overflow (Part 4, 7.39.1). */
const OVERFLOW = 0x0480

/** The server's queue was full: changes before this one are gone. */
export function isOverflow(status = 0): boolean {
  return (status & OVERFLOW) === OVERFLOW
}

function pickTime(data: DataValue, from: OpcuaOptions['timestamp']): number | undefined {
  if (from === 'gather') return undefined
  const time =
    from === 'server' ? data.serverTimestamp : (data.sourceTimestamp ?? data.serverTimestamp)
  return time?.getTime()
}

/** Their elements are no values of ours; as text they would read as a list of nothing, and look good. */
const NO_VALUES: ReadonlySet<UaType> = new Set([
  UaType.ByteString,
  UaType.ExtensionObject,
  UaType.DataValue,
  UaType.Variant,
  UaType.DiagnosticInfo,
])
/** 1601-01-01, by which OPC UA says "no time" (Part 6, 5.2.2.5). */
const NO_TIME = -11_644_473_600_000

/** One element of an array is its value; several are JSON text, in a tag of type String only. */
function readVariant(variant: Variant, tag: Tag): Value | { status: number } {
  const mismatch = { status: codes.badTypeMismatch }
  if (variant.arrayType === VariantArrayType.Scalar) return fromVariant(variant) ?? mismatch
  const { indexRange } = addressOf(tag)
  const elements: unknown[] = Array.from(variant.value ?? [])
  const pick = (value: unknown) => fromVariant(new Variant({ dataType: variant.dataType, value }))
  if (indexRange !== undefined && !indexRange.includes(':')) {
    return (elements.length === 1 ? pick(elements[0]) : undefined) ?? mismatch
  }
  if (tag.type !== 'String' || NO_VALUES.has(variant.dataType)) return mismatch
  const tooLong = { status: codes.badEncodingLimitsExceeded }
  if (elements.length * 2 > MAX_TEXT_CHARS) return tooLong
  const texts = elements.map((element) => {
    const value = pick(element)
    return typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)
  })
  const text = `[${texts.join(',')}]`
  return text.length > MAX_TEXT_CHARS ? tooLong : text
}

/** The member of a request that asks for a part of an array; the library takes it as text. */
export function toIndexRange(range: string | undefined): Pick<ReadValueIdOptions, 'indexRange'> {
  if (range === undefined) return {}
  return { indexRange: range as unknown as ReadValueIdOptions['indexRange'] }
}

/** Undefined for what is no single value: null, arrays, structures, byte strings. */
export function fromVariant(variant: Variant): Value | undefined {
  if (variant.arrayType !== VariantArrayType.Scalar) return undefined
  const { value } = variant
  switch (variant.dataType) {
    case UaType.Int64:
      return BigInt.asIntN(64, joinWords(value))
    case UaType.UInt64:
      return joinWords(value)
    case UaType.DateTime:
      return value instanceof Date && value.getTime() > NO_TIME ? value.getTime() : undefined
    case UaType.LocalizedText:
      return typeof value?.text === 'string' ? value.text : undefined
    case UaType.NodeId:
    case UaType.ExpandedNodeId:
    case UaType.QualifiedName:
    case UaType.StatusCode:
      return value === null || value === undefined ? undefined : String(value)
    default:
      return isPlain(value) ? value : undefined
  }
}

/** The library's 64-bit integers are `[high, low]`, both unsigned. */
function joinWords(words: unknown): bigint {
  const [high = 0, low = 0] = words as [number, number]
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

function isPlain(value: unknown): value is number | boolean | string {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
}

const ranges: Partial<Record<UaType, readonly [bits: number, isSigned: boolean]>> = {
  [UaType.SByte]: [8, true],
  [UaType.Byte]: [8, false],
  [UaType.Int16]: [16, true],
  [UaType.UInt16]: [16, false],
  [UaType.Int32]: [32, true],
  [UaType.UInt32]: [32, false],
  [UaType.Int64]: [64, true],
  [UaType.UInt64]: [64, false],
}

/** A variant of the node's own type. Throws RangeError or TypeError when the value does not fit. */
export function toVariant(value: Value, dataType: UaType): Variant {
  const range = ranges[dataType]
  const arrayType = VariantArrayType.Scalar
  if (range) return new Variant({ dataType, arrayType, value: toInteger(value, range) })
  if (dataType === UaType.Boolean) {
    if (typeof value !== 'boolean') throw new TypeError('not a boolean')
    return new Variant({ dataType, value })
  }
  if (dataType === UaType.String) return new Variant({ dataType, value: String(value) })
  if (dataType === UaType.Float || dataType === UaType.Double) {
    if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError('not a number')
    return new Variant({ dataType, value: Number(value) })
  }
  throw new TypeError(`a node of type ${UaType[dataType]} is not written`)
}

function toInteger(
  value: Value,
  [bits, isSigned]: readonly [number, boolean],
): number | [number, number] {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError('not a number')
  if (typeof value === 'number' && !Number.isInteger(value))
    throw new RangeError('not a whole number')
  const integer = BigInt(value)
  const fitted = isSigned ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)
  if (fitted !== integer) throw new RangeError(`does not fit ${bits} bits`)
  if (bits < 64) return Number(integer)
  const raw = BigInt.asUintN(64, integer)
  return [Number(raw >> 32n), Number(raw & 0xffffffffn)]
}
