/** Sparkplug datatypes: their codes, and how each one's value travels in protobuf and comes back. */
import type { DataType, Value } from '../model.ts'

/** Codes of Sparkplug 3.0, 6.4.16 (tck-id-payloads-metric-datatype-value). */
export const typeCodes = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
} as const satisfies Record<DataType, number>

/** Types we do not send but understand when received: DateTime, Text, UUID. */
const foreignTypes: Record<number, DataType> = { 13: 'UInt64', 14: 'String', 15: 'String' }

const typeNames = new Map<number, DataType>(
  (Object.entries(typeCodes) as [DataType, number][]).map(([name, code]) => [code, name]),
)

/** The type behind a code; undefined for the complex ones (DataSet, Template, arrays …). */
export function typeOf(code: number): DataType | undefined {
  return typeNames.get(code) ?? foreignTypes[code]
}

/** Codes 16 to 34: what no single value holds. */
const richNames = [
  ...['DataSet', 'Bytes', 'File', 'Template', 'PropertySet', 'PropertySetList'],
  ...['Int8Array', 'Int16Array', 'Int32Array', 'Int64Array'],
  ...['UInt8Array', 'UInt16Array', 'UInt32Array', 'UInt64Array'],
  ...['FloatArray', 'DoubleArray', 'BooleanArray', 'StringArray', 'DateTimeArray'],
]
const FIRST_RICH = 16
const FIRST_ARRAY = 22

/** The type of each item of an array; undefined for a code that is none. */
export function arrayItemOf(code: number): DataType | undefined {
  if (code === FIRST_RICH + richNames.length - 1) return 'UInt64'
  return code < FIRST_ARRAY ? undefined : typeNames.get(code - FIRST_ARRAY + 1)
}

/** The name of a code, for people; `type 99` for one that Sparkplug 3.0 does not know. */
export function typeNameOf(code: number): string {
  return typeOf(code) ?? richNames[code - FIRST_RICH] ?? `type ${code}`
}

/** What a DataSet's columns and a template's parameters may be: the basic types, 1 to 14. */
export function isBasic(code: number): boolean {
  return code >= 1 && code <= 14
}

/** The protobuf field that carries a value of this type. */
export type WireValue =
  | { case: 'intValue'; value: number }
  | { case: 'longValue'; value: bigint }
  | { case: 'floatValue'; value: number }
  | { case: 'doubleValue'; value: number }
  | { case: 'booleanValue'; value: boolean }
  | { case: 'stringValue'; value: string }

interface IntegerRule {
  bits: 8 | 16 | 32 | 64
  signed: boolean
}

const integers: Partial<Record<DataType, IntegerRule>> = {
  Int8: { bits: 8, signed: true },
  Int16: { bits: 16, signed: true },
  Int32: { bits: 32, signed: true },
  Int64: { bits: 64, signed: true },
  UInt8: { bits: 8, signed: false },
  UInt16: { bits: 16, signed: false },
  UInt32: { bits: 32, signed: false },
  UInt64: { bits: 64, signed: false },
}

/** Between which numbers a type's values travel as they stand; for a type of other values no number lies between. */
export function boundsOf(type: DataType): { isWhole: boolean; low: number; high: number } {
  const rule = integers[type]
  if (rule && rule.bits < 64) {
    const limit = 2 ** (rule.signed ? rule.bits - 1 : rule.bits)
    return { isWhole: true, low: rule.signed ? -limit : 0, high: limit - 1 }
  }
  const isReal = type === 'Float' || type === 'Double'
  const most = isReal ? Number.MAX_VALUE : -1
  return { isWhole: false, low: -most, high: most }
}

/** The wire form of a value; undefined when the value does not fit the type (it is never wrapped or cut). */
export function encodeValue(value: Value, type: DataType): WireValue | undefined {
  const rule = integers[type]
  if (rule) return encodeInteger(value, rule)
  if (type === 'Boolean') {
    return typeof value === 'boolean' ? { case: 'booleanValue', value } : undefined
  }
  if (type === 'String') {
    return typeof value === 'string' ? { case: 'stringValue', value } : undefined
  }
  if (typeof value !== 'number') return undefined
  return { case: type === 'Float' ? 'floatValue' : 'doubleValue', value }
}

function encodeInteger(value: Value, { bits, signed }: IntegerRule): WireValue | undefined {
  if (bits === 64) return encodeLong(value, signed)
  const whole = typeof value === 'bigint' ? Number(value) : value
  if (typeof whole !== 'number' || !Number.isInteger(whole)) return undefined
  const limit = 2 ** (signed ? bits - 1 : bits)
  if (whole >= limit || whole < (signed ? -limit : 0)) return undefined
  // Sparkplug 6.4.16: signed integers travel as two's complement in an unsigned field.
  return { case: 'intValue', value: whole >>> 0 }
}

function encodeLong(value: Value, signed: boolean): WireValue | undefined {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value))) {
    return undefined
  }
  const whole = BigInt(value)
  const fits = signed ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole)
  return fits === whole ? { case: 'longValue', value: BigInt.asUintN(64, whole) } : undefined
}

/**
 * Reads a raw wire value as the given type; undefined when the two do not go together.
 * 8- and 16-bit negatives are accepted both sign-extended to 32 bits (Tahu) and in their own width.
 */
export function typeValue(raw: Value, type: DataType): Value | undefined {
  const rule = integers[type]
  if (rule) return typeInteger(raw, rule)
  if (type === 'Boolean') return typeof raw === 'boolean' ? raw : undefined
  if (type === 'String') return typeof raw === 'string' ? raw : undefined
  if (typeof raw === 'bigint') return Number(raw)
  return typeof raw === 'number' ? raw : undefined
}

function typeInteger(raw: Value, { bits, signed }: IntegerRule): Value | undefined {
  if (bits === 64) {
    if (typeof raw !== 'bigint' && !(typeof raw === 'number' && Number.isSafeInteger(raw))) {
      return undefined
    }
    return signed ? BigInt.asIntN(64, BigInt(raw)) : BigInt.asUintN(64, BigInt(raw))
  }
  const whole = typeof raw === 'bigint' ? Number(raw) : raw
  if (typeof whole !== 'number' || !Number.isInteger(whole)) return undefined
  if (!signed) return whole >= 0 && whole < 2 ** bits ? whole : undefined
  const shift = 32 - bits
  const value = (whole << shift) >> shift
  // The bits cut off must be the sign, or nothing at all: anything else was another number.
  const isOwnWidth = value < 0 && whole === value + 2 ** bits
  return whole === value || whole === value >>> 0 || isOwnWidth ? value : undefined
}
