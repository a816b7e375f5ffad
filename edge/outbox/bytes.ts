/** Growing and reading byte strings of varints, the alphabet of the outbox's packing. */

/** Appends to a buffer that doubles as needed. */
export interface ByteWriter {
  byte(value: number): void
  /** A whole number from 0 to 2^53 - 1, seven bits a byte. */
  varint(value: number): void
  /** A whole number of any sign, small ones short. */
  signed(value: number): void
  /** A bigint of any size and sign. */
  big(value: bigint): void
  float(value: number, size: 4 | 8): void
  text(value: string): void
  /** What was written since the last `clear`; valid until the next one. */
  bytes(): Uint8Array
  clear(): void
}

export function createWriter(): ByteWriter {
  let buffer = Buffer.allocUnsafe(1024)
  let length = 0
  const room = (size: number) => {
    if (length + size <= buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + size))
    buffer.copy(grown, 0, 0, length)
    buffer = grown
  }
  const byte = (value: number) => {
    room(1)
    buffer[length++] = value
  }
  const varint = (value: number) => {
    room(MAX_VARINT)
    let rest = value
    while (rest > 0x7fffffff) {
      buffer[length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    // From here on bit operators are exact, and much faster.
    while (rest > 127) {
      buffer[length++] = (rest & 127) | 128
      rest >>>= 7
    }
    buffer[length++] = rest
  }
  return {
    byte,
    varint,
    signed(value) {
      // The sign in the lowest bit, by arithmetic: bit operators would cut at 32. Beyond 2^52 two more bits do not fit a number.
      if (Math.abs(value) > MAX_SIGNED) throw new RangeError(`not packable: ${value}`)
      varint(value < 0 ? -2 * value - 1 : 2 * value)
    },
    big(value) {
      let rest = value < 0n ? -2n * value - 1n : 2n * value
      while (rest >= 128n) {
        byte(Number(rest & 127n) | 128)
        rest >>= 7n
      }
      byte(Number(rest))
    },
    float(value, size) {
      room(size)
      if (size === 4) buffer.writeFloatLE(value, length)
      else buffer.writeDoubleLE(value, length)
      length += size
    },
    text(value) {
      const size = Buffer.byteLength(value)
      varint(size)
      room(size)
      buffer.write(value, length)
      length += size
    },
    bytes: () => buffer.subarray(0, length),
    clear() {
      length = 0
    },
  }
}

/** Bytes of the longest varint. */
const MAX_VARINT = 8

/** The largest magnitude `signed` takes: its double must still be exact. */
export const MAX_SIGNED = 2 ** 52 - 1

/** Reads what a ByteWriter wrote, in the same order; throws RangeError at the end of the bytes. */
export interface ByteReader {
  byte(): number
  varint(): number
  signed(): number
  big(): bigint
  float(size: 4 | 8): number
  text(): string
}

export function createReader(source: Uint8Array): ByteReader {
  const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength)
  let at = 0
  const byte = () => {
    const value = buffer[at++]
    if (value === undefined) throw new RangeError('bytes end too early')
    return value
  }
  const varint = () => {
    let value = 0
    let scale = 1
    for (;;) {
      const next = byte()
      value += (next & 127) * scale
      if (next < 128) return value
      scale *= 128
    }
  }
  return {
    byte,
    varint,
    signed() {
      const value = varint()
      return value % 2 === 1 ? -(value + 1) / 2 : value / 2
    },
    big() {
      let value = 0n
      for (let shift = 0n; ; shift += 7n) {
        const next = byte()
        value |= BigInt(next & 127) << shift
        if (next < 128) break
      }
      return value & 1n ? -((value + 1n) >> 1n) : value >> 1n
    },
    float(size) {
      const value = size === 4 ? buffer.readFloatLE(at) : buffer.readDoubleLE(at)
      at += size
      return value
    },
    text() {
      const size = varint()
      if (at + size > buffer.length) throw new RangeError('bytes end too early')
      const value = buffer.toString('utf8', at, at + size)
      at += size
      return value
    },
  }
}
