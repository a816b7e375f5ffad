/** The few protobuf wire rules an ONNX file needs: varints, length-delimited fields, packed arrays. */

const encoder = new TextEncoder()

/** Appends fields in the order of the calls; the same calls give the same bytes. */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = []

  /** A varint field (wire type 0); non-negative safe integers and -1 are all ONNX graphs need. */
  varint(field: number, value: number | bigint): this {
    this.#parts.push(encodeVarint((BigInt(field) << 3n) | 0n), encodeVarint(BigInt(value)))
    return this
  }

  /** A 32-bit float field (wire type 5). */
  float(field: number, value: number): this {
    const body = new Uint8Array(4)
    new DataView(body.buffer).setFloat32(0, value, true)
    this.#parts.push(encodeVarint((BigInt(field) << 3n) | 5n), body)
    return this
  }

  /** A length-delimited field (wire type 2). */
  bytes(field: number, body: Uint8Array): this {
    this.#parts.push(encodeVarint((BigInt(field) << 3n) | 2n), encodeVarint(BigInt(body.length)))
    this.#parts.push(body)
    return this
  }

  string(field: number, text: string): this {
    return this.bytes(field, encoder.encode(text))
  }

  message(field: number, body: ProtobufWriter): this {
    return this.bytes(field, body.finish())
  }

  /** A packed repeated varint field. */
  packed(field: number, values: readonly number[]): this {
    return this.bytes(field, concatBytes(values.map((value) => encodeVarint(BigInt(value)))))
  }

  finish(): Uint8Array {
    return concatBytes(this.#parts)
  }
}

/** Base-128 varint; negative numbers take the ten bytes of their 64-bit two's complement. */
export function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
