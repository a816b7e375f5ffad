/** Sparkplug's arrays: packed little-endian in one bytes field, bits for booleans, zero-ended texts. */
import type { DataType, Value } from '../model.ts'
import { invalid } from './wire-guard.ts'

type Item = (view: DataView, at: number) => Value

const items: Partial<Record<DataType, { size: number; read: Item }>> = {
  Int8: { size: 1, read: (view, at) => view.getInt8(at) },
  Int16: { size: 2, read: (view, at) => view.getInt16(at, true) },
  Int32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  Int64: { size: 8, read: (view, at) => view.getBigInt64(at, true) },
  UInt8: { size: 1, read: (view, at) => view.getUint8(at) },
  UInt16: { size: 2, read: (view, at) => view.getUint16(at, true) },
  UInt32: { size: 4, read: (view, at) => view.getUint32(at, true) },
  UInt64: { size: 8, read: (view, at) => view.getBigUint64(at, true) },
  Float: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  Double: { size: 8, read: (view, at) => view.getFloat64(at, true) },
}

/** Throws Fault 'sparkplug.invalid' when the bytes are no whole number of items. */
export function readArray(bytes: Uint8Array, type: DataType, where: number): Value[] {
  if (type === 'String') return readTexts(bytes, where)
  if (type === 'Boolean') return readBits(bytes, where)
  const item = items[type]
  if (!item || bytes.length % item.size !== 0) throw invalid(`no array of ${type}`, where)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / item.size }, (_, index) =>
    item.read(view, index * item.size),
  )
}

/** Each text ends with a zero byte. */
function readTexts(bytes: Uint8Array, where: number): string[] {
  if (bytes.length === 0) return []
  if (bytes.at(-1) !== 0) throw invalid('a text array without its end', where)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, -1)).split('\0')
  } catch (error) {
    throw invalid('a text array that is not UTF-8', where, error)
  }
}

/** Four bytes say how many, then eight to a byte, the first in the highest bit. */
function readBits(bytes: Uint8Array, where: number): boolean[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = bytes.length < 4 ? Number.NaN : view.getUint32(0, true)
  if (Math.ceil(count / 8) !== bytes.length - 4) throw invalid('no array of Boolean', where)
  return Array.from(
    { length: count },
    (_, index) => (view.getUint8(4 + (index >> 3)) & (0x80 >> (index & 7))) !== 0,
  )
}
