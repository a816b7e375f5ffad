/** Translates our values to and from OPC UA variants, 64-bit integers included. */
import { DataType as UaType, VariantArrayType, type VariantLike } from 'node-opcua'
import type { DataType, Value } from '../../protocol/model.ts'

/** The OPC UA built-in type of each of our data types. */
export const uaTypes = {
  Int8: UaType.SByte,
  Int16: UaType.Int16,
  Int32: UaType.Int32,
  Int64: UaType.Int64,
  UInt8: UaType.Byte,
  UInt16: UaType.UInt16,
  UInt32: UaType.UInt32,
  UInt64: UaType.UInt64,
  Float: UaType.Float,
  Double: UaType.Double,
  Boolean: UaType.Boolean,
  String: UaType.String,
} as const satisfies Record<DataType, UaType>

/** A variant as node-opcua takes it; 64-bit integers are `[high, low]` there. */
export function toVariant(type: DataType, value: Value): VariantLike {
  if (type !== 'Int64' && type !== 'UInt64') return { dataType: uaTypes[type], value }
  const bits = BigInt.asUintN(64, BigInt(value))
  const words = [Number(bits >> 32n), Number(bits & 0xffffffffn)]
  return { dataType: uaTypes[type], arrayType: VariantArrayType.Scalar, value: words }
}

/** The value in a variant that `toVariant` or a client made. */
export function fromVariant(type: DataType, raw: unknown): Value {
  if (type === 'Int64' || type === 'UInt64') {
    const [high = 0, low = 0] = raw as [number, number]
    const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
    return type === 'Int64' ? BigInt.asIntN(64, bits) : bits
  }
  return raw as number | boolean | string
}
