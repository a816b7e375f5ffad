/** A batch of samples as few bytes: columns, deltas, decimals as whole numbers; a checksum finds the flipped bit. */
import { crc32 } from 'node:zlib'
import {
  type Gap,
  type Quality,
  quality,
  type Sample,
  type TagId,
  type Value,
} from '../../protocol/model.ts'
import {
  type ByteReader,
  type ByteWriter,
  createReader,
  createWriter,
  MAX_SIGNED,
} from './bytes.ts'

export interface Packable {
  samples: readonly Sample[]
  gaps: readonly Gap[]
}

/** The first byte: a later layout gets another number, and the reader keeps knowing this one. */
const LAYOUT = 1

/** How one value is written; decimals of 1..6 places are 9..14. */
const kinds = {
  null: 0,
  whole: 1,
  float32: 2,
  float64: 3,
  big: 4,
  false: 5,
  true: 6,
  text: 7,
  decimal: 8,
} as const
const MAX_PLACES = 6
/** Powers of ten by their exponent: looked up for every value. */
const POWERS = Array.from({ length: MAX_PLACES + 1 }, (_, exponent) => 10 ** exponent)

const qualityCodes: readonly Quality[] = [quality.good, quality.bad, quality.stale]

/** The form byte of a sample: kind in bits 0..3, quality in 4..5, "has a status" in 6. */
const QUALITY_SHIFT = 4
const HAS_STATUS = 64

/**
 * Packs a batch; `numberOf` gives each tag its small number. Source times may be fractional, statuses are uint32.
 * Layout: checksum, layout, count, forms, tag numbers, times, statuses, values, gaps.
 */
export function packBatch(batch: Packable, numberOf: (tag: TagId) => number): Uint8Array {
  const out = createWriter()
  out.byte(LAYOUT)
  out.varint(batch.samples.length)
  const forms = batch.samples.map(formOf)
  writeForms(out, forms)
  writeTags(
    out,
    batch.samples.map((sample) => numberOf(sample.tag)),
  )
  writeTimes(
    out,
    batch.samples.map((sample) => sample.at),
  )
  for (const sample of batch.samples) {
    if (sample.status !== undefined) out.varint(sample.status >>> 0)
  }
  for (const [index, sample] of batch.samples.entries()) {
    writeValue(out, sample.value, (forms[index] ?? 0) & 15)
  }
  out.text(batch.gaps.length === 0 ? '' : JSON.stringify(batch.gaps))
  return checksummed(out.bytes())
}

function checksummed(body: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(body.length + 4)
  bytes.writeUInt32LE(crc32(body), 0)
  bytes.set(body, 4)
  return bytes
}

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

function formOf(sample: Sample): number {
  const code = qualityCodes.indexOf(sample.quality)
  const status = sample.status === undefined ? 0 : HAS_STATUS
  return kindOf(sample.value) | (Math.max(0, code) << QUALITY_SHIFT) | status
}

function kindOf(value: Value | null): number {
  if (value === null) return kinds.null
  if (typeof value === 'boolean') return value ? kinds.true : kinds.false
  if (typeof value === 'bigint') return kinds.big
  if (typeof value === 'string') return kinds.text
  if (Object.is(value, -0) || !Number.isFinite(value)) return kinds.float64
  if (Number.isInteger(value) && Math.abs(value) <= MAX_SIGNED) return kinds.whole
  const places = decimalPlaces(value)
  if (places > 0) return kinds.decimal + places
  return Math.fround(value) === value ? kinds.float32 : kinds.float64
}

/** Instruments report decimals (23.4): as 234 and one place they take two bytes instead of eight. 0: not one. */
function decimalPlaces(value: number): number {
  for (let places = 1; places <= MAX_PLACES; places++) {
    const scale = POWERS[places] ?? 1
    const whole = Math.round(value * scale)
    // From here on the varint is hardly shorter than a float64.
    if (Math.abs(whole) > 2 ** 41) return 0
    if (whole / scale === value) return places
  }
  return 0
}

function writeValue(out: ByteWriter, value: Value | null, kind: number): void {
  if (typeof value === 'bigint') out.big(value)
  else if (typeof value === 'string') out.text(value)
  else if (typeof value === 'number') writeNumber(out, value, kind)
}

function writeNumber(out: ByteWriter, value: number, kind: number): void {
  if (kind === kinds.whole) out.signed(value)
  else if (kind === kinds.float32) out.float(value, 4)
  else if (kind === kinds.float64) out.float(value, 8)
  else out.signed(Math.round(value * (POWERS[kind - kinds.decimal] ?? 1)))
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

/** Forms are nearly always alike: runs when they are shorter, one byte each when not. */
function writeForms(out: ByteWriter, forms: readonly number[]): void {
  const starts: number[] = []
  for (let index = 0; index < forms.length; index++) {
    if (index === 0 || forms[index] !== forms[index - 1]) starts.push(index)
  }
  const plain = starts.length * 2 > forms.length
  out.byte(plain ? 0 : 1)
  if (plain) for (const form of forms) out.byte(form)
  else {
    for (const [run, start] of starts.entries()) {
      out.byte(forms[start] ?? 0)
      out.varint((starts[run + 1] ?? forms.length) - start)
    }
  }
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

function writeTags(out: ByteWriter, numbers: readonly number[]): void {
  let previous = 0
  for (const number of numbers) {
    out.signed(number - previous)
    previous = number
  }
}

function readTags(input: ByteReader, count: number): number[] {
  let previous = 0
  return Array.from({ length: count }, () => {
    previous += input.signed()
    return previous
  })
}

/** Whole milliseconds as deltas; a batch with a fractional (or absurd) time as plain float64. */
function writeTimes(out: ByteWriter, times: readonly number[]): void {
  const whole = times.every((at) => Number.isInteger(at) && Math.abs(at) < MAX_SIGNED / 2)
  out.byte(whole ? 1 : 0)
  let previous = 0
  for (const at of times) {
    if (whole) out.signed(at - previous)
    else out.float(at, 8)
    previous = at
  }
}

function readTimes(input: ByteReader, count: number): number[] {
  const whole = input.byte() === 1
  let previous = 0
  return Array.from({ length: count }, () => {
    previous = whole ? previous + input.signed() : input.float(8)
    return previous
  })
}
