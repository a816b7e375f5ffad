/** Numbers Node's Buffer does not know: binary-coded decimals and 16-bit floats. */

/** Largest finite 16-bit float (IEEE 754 binary16), half a step above still rounds to it. */
const FLOAT16_MAX = 65_504
const FLOAT16_ROUNDS_UP = 65_520

/** One decimal digit a nibble, the highest first; undefined when a nibble is no digit. */
export function readBcd(bytes: Buffer): number | undefined {
  let number = 0
  for (const byte of bytes) {
    const [high, low] = [byte >> 4, byte & 15]
    if (high > 9 || low > 9) return undefined
    number = number * 100 + high * 10 + low
  }
  return number
}

/** Throws RangeError when the digits do not fit; there is no sign. */
export function writeBcd(bytes: Buffer, number: number): void {
  if (number < 0 || number >= 100 ** bytes.length) {
    throw new RangeError(`beyond ${bytes.length * 2} decimal digits`)
  }
  for (let at = bytes.length - 1, rest = number; at >= 0; at--) {
    const pair = rest % 100
    bytes[at] = (Math.floor(pair / 10) << 4) | (pair % 10)
    rest = Math.floor(rest / 100)
  }
}

export function readFloat16(bytes: Buffer): number {
  const word = bytes.readUInt16BE()
  const sign = word & 0x8000 ? -1 : 1
  const exponent = (word >> 10) & 31
  const fraction = word & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** Rounds to the nearest, ties to even. Throws RangeError when the number is too large. */
export function writeFloat16(bytes: Buffer, number: number): void {
  const size = Math.abs(number)
  if (Number.isFinite(number) && size >= FLOAT16_ROUNDS_UP) {
    throw new RangeError(`beyond a 16-bit float (${FLOAT16_MAX})`)
  }
  const sign = number < 0 || Object.is(number, -0) ? 0x8000 : 0
  bytes.writeUInt16BE(sign | float16Bits(number, size))
}

function float16Bits(number: number, size: number): number {
  if (Number.isNaN(number)) return 0x7e00
  if (size === Number.POSITIVE_INFINITY) return 0x7c00
  // Below 2^-14 the steps are even; above, the exponent gives the step. A carry runs into the exponent by itself.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size))
  const exact = size / 2 ** (exponent - 10)
  const steps = roundToEven(exact)
  return size < 2 ** -14 ? steps : ((exponent + 14) << 10) + steps
}

function roundToEven(number: number): number {
  const low = Math.floor(number)
  const rest = number - low
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
}
