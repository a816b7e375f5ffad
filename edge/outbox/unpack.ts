/** Reads what pack.ts packed; the checksum finds the flipped bit. */
import { crc32 } from 'node:zlib'
import { type Gap, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import { type ByteReader, createReader } from './bytes.ts'
import { HAS_STATUS, kinds, LAYOUT, POWERS, QUALITY_SHIFT, qualityCodes } from './pack-layout.ts'

/** Reads a packed batch; undefined when its bytes are not what was written. */
export function unpackBatch(
  bytes: Uint8Array,
  tagOf: (number: number) => TagId | undefined,
): { samples: Sample[]; gaps: Gap[] } | undefined {
  if (bytes.length < 5) return undefined
  const body = bytes.subarray(4)
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32LE(0)
  if (crc32(body) !== stored || body[0] !== LAYOUT) return undefined
  return readBatch(createReader(body.subarray(1)), tagOf)
}

function readBatch(
  input: ByteReader,
  tagOf: (number: number) => TagId | undefined,
): { samples: Sample[]; gaps: Gap[] } | undefined {
  const count = input.varint()
  const forms = readForms(input, count)
  const tags = readTags(input, count)
  const times = readTimes(input, count)
  const statuses = forms.map((form) => ((form & HAS_STATUS) === 0 ? undefined : input.varint()))
  const samples: Sample[] = []
  for (const [index, form] of forms.entries()) {
    const tag = tagOf(tags[index] ?? -1)
    if (tag === undefined) return undefined
    const sample: Sample = {
      tag,
      at: times[index] ?? 0,
      value: readValue(input, form & 15),
      quality: qualityCodes[(form >> QUALITY_SHIFT) & 3] ?? quality.bad,
    }
    const status = statuses[index]
    if (status !== undefined) sample.status = status
    samples.push(sample)
  }
  const gaps = input.text()
  return { samples, gaps: gaps === '' ? [] : (JSON.parse(gaps) as Gap[]) }
}

const readers: Readonly<Record<number, (input: ByteReader) => Value | null>> = {
  [kinds.null]: () => null,
  [kinds.whole]: (input) => input.signed(),
  [kinds.float32]: (input) => input.float(4),
  [kinds.float64]: (input) => input.float(8),
  [kinds.big]: (input) => input.big(),
  [kinds.false]: () => false,
  [kinds.true]: () => true,
  [kinds.text]: (input) => input.text(),
}

function readValue(input: ByteReader, kind: number): Value | null {
  const read = readers[kind]
  return read ? read(input) : input.signed() / (POWERS[kind - kinds.decimal] ?? 1)
}

function readForms(input: ByteReader, count: number): number[] {
  if (input.byte() === 0) return Array.from({ length: count }, () => input.byte())
  const forms: number[] = []
  while (forms.length < count) {
    const form = input.byte()
    const length = input.varint()
    for (let index = 0; index < length; index++) forms.push(form)
  }
  return forms
}

function readTags(input: ByteReader, count: number): number[] {
  let previous = 0
  return Array.from({ length: count }, () => {
    previous += input.signed()
    return previous
  })
}

function readTimes(input: ByteReader, count: number): number[] {
  const whole = input.byte() === 1
  let previous = 0
  return Array.from({ length: count }, () => {
    previous = whole ? previous + input.signed() : input.float(8)
    return previous
  })
}
