/** OPC UA values to ours and back; the full StatusCode and the wanted time are kept. */
import { type DataValue, DataType as UaType, Variant, VariantArrayType } from 'node-opcua-client'
import {
  type Quality,
  quality,
  type Sample,
  type Tag,
  type Value,
} from '../../../protocol/model.ts'
import type { OpcuaOptions } from './options.ts'

/** Part 4, 7.39.2; arrays and structures have no place in one tag. */
const BAD_TYPE_MISMATCH = 0x80740000

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
  const value = fromVariant(data.value)
  if (value === undefined) return badSample(tag, at, status === 0 ? BAD_TYPE_MISMATCH : status)
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

function pickTime(data: DataValue, from: OpcuaOptions['timestamp']): number | undefined {
  if (from === 'gather') return undefined
  const time =
    from === 'server' ? data.serverTimestamp : (data.sourceTimestamp ?? data.serverTimestamp)
  return time?.getTime()
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
      return value instanceof Date ? value.getTime() : undefined
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
