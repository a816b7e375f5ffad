/** The numbers of protobuf: seven bits a byte, the lowest first. */

/** Whole numbers from 0 to 2^53 - 1, from `start` on; answers where it ended. Bit operators only where 31 bits are left. */
export function writeVarint(out: Uint8Array, start: number, value: number): number {
  let length = start
  let rest = value
  while (rest > 0x7fffffff) {
    out[length++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest > 127) {
    out[length++] = (rest & 127) | 128
    rest >>>= 7
  }
  out[length++] = rest
  return length
}
