/** Registers to values and back, in the four byte orders; no I/O. */
import type { Value } from '../../../protocol/model.ts'
import type { Point } from './address.ts'
import type { ByteOrder, Encoding } from './address-schema.ts'
import { readBcd, readFloat16, writeBcd, writeFloat16 } from './odd-numbers.ts'
import { decodeText, encodeText } from './text.ts'

type NumberEncoding = Exclude<Encoding, 'bool' | 'string'>

interface Codec {
  /** Undefined when the bytes are no number of this kind. */
  read(bytes: Buffer): number | bigint | undefined
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
  float16: { read: readFloat16, write: (b, v) => writeFloat16(b, Number(v)) },
  float32: { read: (b) => b.readFloatBE(), write: (b, v) => b.writeFloatBE(toFloat32(v)) },
  float64: { read: (b) => b.readDoubleBE(), write: (b, v) => b.writeDoubleBE(Number(v)) },
  bcd16: { read: readBcd, write: (b, v) => writeBcd(b, toInteger(v)) },
  bcd32: { read: readBcd, write: (b, v) => writeBcd(b, toInteger(v)) },
} as const satisfies Record<NumberEncoding, Codec>

/**
 * Decodes a point from its own bytes: two a register, or one byte (0 or 1) for a coil.
 * Undefined where the bytes hold no value of this kind: a nibble that is no digit, text that is none.
 */
export function decodePoint(point: Point, bytes: Buffer): Value | undefined {
  const raw = decodeRaw(point, bytes)
  if (typeof raw === 'string' || raw === undefined) return raw
  // A limit or a word would make a reading of what is the mark of a broken sensor.
  if (typeof raw === 'number' && !Number.isFinite(raw)) return raw
  if (point.words) {
    const digits = String(typeof raw === 'boolean' ? Number(raw) : raw)
    return point.words[digits] ?? digits
  }
  if (point.clamp && typeof raw !== 'boolean') return clampNumber(raw, point.clamp)
  return raw
}

function decodeRaw(point: Point, bytes: Buffer): Value | undefined {
  if (point.table === 'coil' || point.table === 'discrete') return bytes[0] === 1
  const ordered = reorder(bytes, point.byteOrder, point.encoding)
  if (point.encoding === 'bool') return ((ordered.readUInt16BE() >> point.bit) & 1) === 1
  if (point.encoding === 'string') return decodeText(ordered, point.charset ?? 'latin1')
  const number = codecs[point.encoding].read(ordered)
  return point.field && number !== undefined ? takeField(Number(number), point.field) : number
}

/** By division, because a shift of 32 bits makes signed numbers. */
function takeField(number: number, { from, count }: { from: number; count: number }): number {
  return Math.floor(number / 2 ** from) % 2 ** count
}

function clampNumber(value: number | bigint, { low, high }: { low: number; high: number }) {
  if (value < low) return typeof value === 'bigint' ? BigInt(Math.ceil(low)) : low
  if (value > high) return typeof value === 'bigint' ? BigInt(Math.floor(high)) : high
  return value
}

/** Encodes a value into the bytes of a point. Throws RangeError or TypeError when it does not fit. */
export function encodePoint(point: Point, value: Value): Buffer {
  const bytes = Buffer.alloc(point.count * 2)
  const { encoding } = point
  if (encoding === 'bool' || point.field) {
    throw new TypeError('a part of a register has no bytes of its own')
  }
  if (encoding === 'string') {
    const text = encodeText(String(value), point.charset ?? 'latin1')
    if (text.length > bytes.length) throw new RangeError(`longer than ${bytes.length} characters`)
    text.copy(bytes)
  } else {
    codecs[encoding].write(bytes, toNumber(point, value))
  }
  return reorder(bytes, point.byteOrder, encoding)
}

/** The number a value stands for: itself, or the one its word belongs to. Throws when there is none. */
export function toNumber({ words, clamp }: Point, value: Value): number | bigint {
  if (words) {
    const found = Object.entries(words).find(([, word]) => word === value)
    if (!found) throw new RangeError(`none of ${Object.values(words).join(', ')}`)
    return Number(found[0])
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError('not a number')
  if (clamp && (value < clamp.low || value > clamp.high)) {
    throw new RangeError(`beyond the limits ${clamp.low} to ${clamp.high}`)
  }
  return value
}

/** And-mask and or-mask of function 22 for one bit or field of a register, in the device's byte order. */
export function encodeMasks(point: Point, value: Value): { and: number; or: number } {
  const { from, count } = point.field ?? { from: point.bit, count: 1 }
  const number = point.field ? toInteger(toNumber(point, value)) : toBit(point, value)
  if (number < 0 || number >= 2 ** count) throw new RangeError(`beyond ${2 ** count - 1}`)
  const mask = (2 ** count - 1) * 2 ** from
  const isSwapped = point.byteOrder === 'BADC' || point.byteOrder === 'DCBA'
  const order = (word: number) => (isSwapped ? ((word & 0xff) << 8) | (word >> 8) : word)
  return { and: order(0xffff - mask), or: order(number * 2 ** from) }
}

function toBit(point: Point, value: Value): number {
  if (point.words) return Number(toNumber(point, value))
  if (typeof value !== 'boolean') throw new TypeError('not a boolean')
  return value ? 1 : 0
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
