/** From what a driver read to a value of the tag's type: scale, type, limits; no I/O. */
import type { DataType, Value } from '../../protocol/model.ts'

export interface ValueRule {
  type: DataType
  /** value = raw × scale + offset */
  scale?: number
  offset?: number
  /** Outside of it the quality is bad and there is no value. */
  min?: number
  max?: number
}

/** Null where the tag has no such value. */
export function fitValue(raw: Value, rule: ValueRule, fit: Fit): Value | null {
  const scaled = fit.isScaled ? scaleValue(raw, rule) : raw
  if (typeof scaled === 'number' && scaled >= fit.low && scaled <= fit.high) {
    if (!fit.isWhole) return scaled
    // + 0: no negative zero.
    if (Number.isInteger(scaled)) return scaled + 0
  }
  const value = fitType(scaled, rule.type)
  return value === null || isOutside(value, rule) ? null : value
}

/** Bounds within which a number is its tag's value as it stands: nearly every reading of a plant ends there. */
export interface Fit {
  isScaled: boolean
  isWhole: boolean
  low: number
  high: number
}

const MAX_FLOAT = (2 - 2 ** -23) * 2 ** 127

export function createFit({ type, scale, offset, min, max }: ValueRule): Fit {
  const isScaled = scale !== undefined || offset !== undefined
  const [low, high] = boundsOf(type)
  const narrowed = { low: Math.max(low, min ?? low), high: Math.min(high, max ?? high) }
  return { isScaled, isWhole: integerBits[type] !== undefined, ...narrowed }
}

/** Of the types whose numbers need no conversion; for the others no number lies between. */
function boundsOf(type: DataType): readonly [low: number, high: number] {
  const [bits, isSigned] = integerBits[type] ?? [64, false]
  if (bits < 64) {
    const limit = 2 ** (isSigned ? bits - 1 : bits)
    return [isSigned ? -limit : 0, limit - 1]
  }
  if (type === 'Float') return [-MAX_FLOAT, MAX_FLOAT]
  return type === 'Double' ? [-Number.MAX_VALUE, Number.MAX_VALUE] : [1, 0]
}

function scaleValue(value: Value, { scale = 1, offset = 0 }: ValueRule): Value {
  if (typeof value === 'number') return value * scale + offset
  if (typeof value === 'string') return value
  const isExact = Number.isSafeInteger(scale) && Number.isSafeInteger(offset)
  // Whole numbers of 64 bits stay what they are: beyond 2^53 a Double would give another one.
  if (typeof value === 'bigint' && isExact) return value * BigInt(scale) + BigInt(offset)
  return Number(value) * scale + offset
}

function isOutside(value: Value, { min, max }: ValueRule): boolean {
  if (typeof value !== 'number' && typeof value !== 'bigint') return false
  return (min !== undefined && value < min) || (max !== undefined && value > max)
}

const integerBits: Partial<Record<DataType, readonly [bits: number, isSigned: boolean]>> = {
  Int8: [8, true],
  Int16: [16, true],
  Int32: [32, true],
  Int64: [64, true],
  UInt8: [8, false],
  UInt16: [16, false],
  UInt32: [32, false],
  UInt64: [64, false],
}

/** The value as its tag's type; null when it has none there (NaN, infinity, out of the type's range). */
export function fitType(value: Value, type: DataType): Value | null {
  // The mark of a broken sensor is no value, in words neither.
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  if (type === 'String') return String(value)
  // "false", "off" and "0" are not true: what a text means nobody has told us.
  if (typeof value === 'string') return null
  if (type === 'Boolean') return typeof value === 'boolean' ? value : Number(value) !== 0
  const bits = integerBits[type]
  if (bits) return fitInteger(value, bits)
  const number = Number(value)
  return Number.isFinite(type === 'Float' ? Math.fround(number) : number) ? number : null
}

function fitInteger(
  value: number | bigint | boolean,
  [bits, isSigned]: readonly [number, boolean],
): Value | null {
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  if (typeof value !== 'bigint' && bits < 64)
    return fitSmall(Math.round(Number(value)), bits, isSigned)
  const integer = typeof value === 'bigint' ? value : BigInt(Math.round(Number(value)))
  const fitted = isSigned ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)
  if (fitted !== integer) return null
  return bits === 64 ? integer : Number(integer)
}

/** Beside the bigints: nearly every integer of a plant comes through here. */
function fitSmall(integer: number, bits: number, isSigned: boolean): number | null {
  const limit = 2 ** (isSigned ? bits - 1 : bits)
  // + 0: no negative zero.
  return integer < limit && integer >= (isSigned ? -limit : 0) ? integer + 0 : null
}
