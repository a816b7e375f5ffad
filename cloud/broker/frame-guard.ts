/** Follows MQTT packet lengths in a byte stream, to cut off a packet that is too long before it is buffered. */

/** Fixed header: one byte of type and flags, then the remaining length in at most four bytes (MQTT 3.1.1, 2.2.3). */
const MAX_LENGTH_BYTES = 4

/** Feed it each chunk; it answers false for ever once a packet is longer than allowed or its length is malformed. */
export function createFrameGuard(maxBytes: number): (chunk: Uint8Array) => boolean {
  let skip = 0
  let position = 0
  let length = 0
  let broken = false

  const readHeader = (byte: number): void => {
    if (position === 0) {
      position = 1
      length = 0
      return
    }
    length += (byte & 0x7f) * 128 ** (position - 1)
    if ((byte & 0x80) === 0) {
      skip = length
      position = 0
      broken = length > maxBytes
    } else {
      position += 1
      broken = position > MAX_LENGTH_BYTES
    }
  }

  return (chunk) => {
    let offset = 0
    while (offset < chunk.length && !broken) {
      if (skip > 0) {
        const taken = Math.min(skip, chunk.length - offset)
        skip -= taken
        offset += taken
      } else {
        readHeader(chunk[offset] ?? 0)
        offset += 1
      }
    }
    return !broken
  }
}
