/** Registers to values and back, in the four byte orders; no I/O. */
import type { Value } from '../../../protocol/model.ts'
import type { ByteOrder, Encoding, Point } from './address.ts'

type NumberEncoding = Exclude<Encoding, 'bool' | 'string'>

interface Codec {
  read(bytes: Buffer): number | bigint
  /** Throws RangeError or TypeError when the value does not fit. */
  write(bytes: Buffer, value: number | bigint): void
}

const codecs = {
  int16: { read: (b) => b.readInt16BE(), write: (b, v) => b.writeInt16BE(toInteger(v)) },
  uint16: { read: (b) => b.readUInt16BE(), write: (b, v) => b.writeUInt16BE(toInteger(v)) },
  int32: { read: (b) => b.readInt32BE(), write: (b, v) => b.writeInt32BE(toInteger(v)) },
  uint32: { read: (b) => b.readUInt32BE(), write: (b, v) => b.writeUInt32BE(toInteger(v)) },
  int64: { read: (b) => b.readBigInt64BE(), write: (b, v) => b.writeBigInt64BE(BigInt(v)) },
  uint64: { read: (b) => b.readBigUInt64BE(), write: (b, v) => b.writeBigUInt64BE(BigInt(v)) },
  float32: { read: (b) => b.readFloatBE(), write: (b, v) => b.writeFloatBE(toFloat32(v)) },
  float64: { read: (b) => b.readDoubleBE(), write: (b, v) => b.writeDoubleBE(Number(v)) },
} as const satisfies Record<NumberEncoding, Codec>

/** Decodes a point from its own bytes: two a register, or one byte (0 or 1) for a coil. */
export function decodePoint(point: Point, bytes: Buffer): Value {
  if (point.table === 'coil' || point.table === 'discrete') return bytes[0] === 1
  const ordered = reorder(bytes, point.byteOrder, point.encoding)
  if (point.encoding === 'bool') return ((ordered.readUInt16BE() >> point.bit) & 1) === 1
  if (point.encoding === 'string') return decodeText(ordered)
  return codecs[point.encoding].read(ordered)
}

/** Encodes a value into the bytes of a point. Throws RangeError or TypeError when it does not fit. */
export function encodePoint(point: Point, value: Value): Buffer {
  const bytes = Buffer.alloc(point.count * 2)
  if (point.encoding === 'string') {
    if (Buffer.byteLength(String(value), 'latin1') > bytes.length) {
      throw new RangeError(`longer than ${bytes.length} characters`)
    }
    bytes.write(String(value), 'latin1')
  } else if (point.encoding === 'bool') {
    throw new TypeError('a bit of a register has no bytes of its own')
  } else {
    if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError('not a number')
    codecs[point.encoding].write(bytes, value)
  }
  return reorder(bytes, point.byteOrder, point.encoding)
}

/** The order is its own inverse: the same function serves both directions. A string keeps its registers. */
function reorder(bytes: Buffer, order: ByteOrder, encoding: Encoding): Buffer {
  const out = Buffer.from(bytes)
  if (order === 'BADC' || order === 'DCBA') out.swap16()
  if ((order === 'CDAB' || order === 'DCBA') && encoding !== 'string') reverseRegisters(out)
  return out
}

function reverseRegisters(bytes: Buffer): void {
  for (let low = 0, high = bytes.length - 2; low < high; low += 2, high -= 2) {
    const word = bytes.readUInt16BE(low)
    bytes.writeUInt16BE(bytes.readUInt16BE(high), low)
    bytes.writeUInt16BE(word, high)
  }
}

/** Up to the first NUL, padding blanks cut. */
function decodeText(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes
    .subarray(0, end < 0 ? bytes.length : end)
    .toString('latin1')
    .trimEnd()
}

function toInteger(value: number | bigint): number {
  const number = Number(value)
  if (!Number.isInteger(number)) throw new RangeError('not a whole number')
  return number
}

function toFloat32(value: number | bigint): number {
  const number = Number(value)
  if (Number.isFinite(number) && !Number.isFinite(Math.fround(number))) {
    throw new RangeError('beyond a 32-bit float')
  }
  return number
}
