/**
 * Finds tensors of an ONNX file that lie in other files. The runtime would read those from the folder that the process
 * works in: with them a model could carry any file of this machine out in its scores.
 */
import { Fault } from '../../protocol/kit/fault.ts'

/** Messages by the numbers of their fields in `onnx.proto3`: where a tensor can be. */
const model = { 7: 'graph', 20: 'training', 25: 'function' } as const
const messages = {
  model,
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
} as const satisfies Record<string, Record<number, string>>
type Kind = keyof typeof messages

/** Of TensorProto: where the data lie, and whether they lie elsewhere. */
const EXTERNAL_DATA = 13
const DATA_LOCATION = 14
const EXTERNAL = 1n
/** The runtime drops the bits above these: with them a field passes here for another one. */
const MAX_KEY = 0xffff_ffffn

const VARINT = 0
const FIXED_64 = 1
const BYTES = 2
const FIXED_32 = 5

/** Throws Fault 'model.bad-file' when a tensor lies elsewhere, or the file cannot be read as ONNX. */
export function checkNoOutsideData(bytes: Uint8Array): void {
  const refuse = (problem: string) => new Fault('model.bad-file', { file: 'model.onnx', problem })
  // A list instead of recursion: how deep graphs lie in each other is up to who wrote the file.
  const open: { kind: Kind; body: Uint8Array }[] = [{ kind: 'model', body: bytes }]
  for (let one = open.pop(); one; one = open.pop()) {
    const inner: Readonly<Record<number, Kind>> = messages[one.kind]
    for (const { field, value } of readFields(one.body, () => refuse('it is no ONNX file'))) {
      const kind = inner[field]
      if (kind && typeof value !== 'bigint') open.push({ kind, body: value })
      const isMarked = typeof value === 'bigint' && BigInt.asIntN(32, value) === EXTERNAL
      const isOutside = field === EXTERNAL_DATA || (field === DATA_LOCATION && isMarked)
      if (one.kind === 'tensor' && isOutside)
        throw refuse('some of its numbers lie in another file; export it as one file')
    }
  }
}

interface Field {
  field: number
  value: bigint | Uint8Array
}

function* readFields(body: Uint8Array, broken: () => Fault): Generator<Field> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = body[at++]
      if (byte === undefined) throw broken()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw broken()
  }
  const take = (length: number): Uint8Array => {
    if (length > body.length - at) throw broken()
    at += length
    return body.subarray(at - length, at)
  }
  while (at < body.length) {
    const key = varint()
    if (key > MAX_KEY) throw broken()
    const [field, wire] = [Number(key >> 3n), Number(key & 7n)]
    if (wire === VARINT) yield { field, value: varint() }
    else if (wire === BYTES) yield { field, value: take(Number(varint())) }
    else if (wire === FIXED_32) take(4)
    else if (wire === FIXED_64) take(8)
    else throw broken()
  }
}
