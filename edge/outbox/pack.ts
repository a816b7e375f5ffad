/** A batch of samples as few bytes: columns, deltas, decimals as whole numbers; a checksum finds the flipped bit. */
import { crc32 } from 'node:zlib'
import { type Gap, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import { isRow, type Part, partsOf, type Row, type RowTags, type Samples } from '../readings.ts'
import { type ByteWriter, createWriter, MAX_SIGNED } from './bytes.ts'
import {
  HAS_STATUS,
  kinds,
  LAYOUT,
  MAX_PLACES,
  POWERS,
  QUALITY_SHIFT,
  qualityCodes,
} from './pack-layout.ts'

export interface Packable {
  samples: Samples
  gaps: readonly Gap[]
}

/** The small numbers that stand for tags. */
export interface TagNumbers {
  numberOf(tag: TagId): number
  /** Of all tags of a row's group, in their order. */
  numbersOf(of: RowTags): Int32Array
}

/** One for all batches: it grows to the largest, and each is copied out of it. */
const writer = createWriter()
let formsRoom = new Uint8Array(4096)

/**
 * Packs a batch. Source times may be fractional, statuses are uint32.
 * Layout: checksum, layout, count, forms, tag numbers, times, statuses, values, gaps.
 */
export function packBatch(batch: Packable, numbers: TagNumbers): Uint8Array {
  const { samples, gaps } = batch
  const parts = partsOf(samples)
  const out = writer
  out.clear()
  out.byte(LAYOUT)
  out.varint(samples.length)
  const forms = formsOf(parts, samples.length)
  writeForms(out, forms)
  writeTags(out, parts, numbers)
  writeTimes(out, parts)
  for (const part of parts) {
    if (isRow(part)) continue
    for (const { status } of part) if (status !== undefined) out.varint(status >>> 0)
  }
  let start = 0
  for (const part of parts) start = writeValues(out, part, { forms, start })
  out.text(gaps.length === 0 ? '' : JSON.stringify(gaps))
  return checksummed(out.bytes())
}

/** Valid until the next call. */
function formsOf(parts: readonly Part[], length: number): Uint8Array {
  if (formsRoom.length < length) formsRoom = new Uint8Array(length * 2)
  const forms = formsRoom.subarray(0, length)
  let index = 0
  for (const part of parts) {
    if (isRow(part)) for (const value of part.values) forms[index++] = formOfGood(value)
    else for (const sample of part) forms[index++] = formOf(sample)
  }
  return forms
}

function checksummed(body: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(body.length + 4)
  bytes.writeUInt32LE(crc32(body), 0)
  bytes.set(body, 4)
  return bytes
}

/** Nearly every reading of a plant: good and whole. */
function formOfGood(value: number): number {
  return value === (value | 0) && !Object.is(value, -0) ? kinds.whole : kindOf(value)
}

function formOf({ value, quality: rating, status }: Sample): number {
  const kind = typeof value === 'number' ? formOfGood(value) : kindOf(value)
  const code = rating === quality.good ? 0 : Math.max(0, qualityCodes.indexOf(rating))
  return kind | (code << QUALITY_SHIFT) | (status === undefined ? 0 : HAS_STATUS)
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

/** Answers where the forms of the next part start. */
function writeValues(
  out: ByteWriter,
  part: Part,
  { forms, start }: { forms: Uint8Array; start: number },
): number {
  let index = start
  if (isRow(part))
    for (const value of part.values) writeNumber(out, value, forms[index++] as number)
  else for (const { value } of part) writeValue(out, value, (forms[index++] as number) & 15)
  return index
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

/** Forms are nearly always alike: runs when they are shorter, one byte each when not. */
function writeForms(out: ByteWriter, forms: Uint8Array): void {
  let runs = 0
  for (let index = 0; index < forms.length; index++) {
    if (index === 0 || forms[index] !== forms[index - 1]) runs++
  }
  const plain = runs * 2 > forms.length
  out.byte(plain ? 0 : 1)
  if (plain) for (const form of forms) out.byte(form)
  else {
    for (let start = 0, end = 0; start < forms.length; start = end) {
      while (end < forms.length && forms[end] === forms[start]) end++
      out.byte(forms[start] ?? 0)
      out.varint(end - start)
    }
  }
}

/** Each as the step from the one before. */
function writeTags(out: ByteWriter, parts: readonly Part[], numbers: TagNumbers): void {
  let previous = 0
  const step = (number: number) => {
    out.signed(number - previous)
    previous = number
  }
  for (const part of parts) {
    if (isRow(part)) {
      const ofGroup = numbers.numbersOf(part.of)
      for (const place of part.places) step(ofGroup[place] as number)
    } else for (const { tag } of part) step(numbers.numberOf(tag))
  }
}

/** Whole milliseconds as deltas; a batch with a fractional (or absurd) time as plain float64. */
function writeTimes(out: ByteWriter, parts: readonly Part[]): void {
  const whole = parts.every((part) => (isRow(part) ? isWholeTime(part) : part.every(isWholeTime)))
  out.byte(whole ? 1 : 0)
  let previous = 0
  const step = (at: number) => {
    if (!whole) out.float(at, 8)
    else if (at === previous) out.byte(0)
    else out.signed(at - previous)
    previous = at
  }
  for (const part of parts) {
    if (isRow(part)) for (let i = 0; i < part.values.length; i++) step(part.at)
    else for (const { at } of part) step(at)
  }
}

function isWholeTime({ at }: Sample | Row): boolean {
  return Number.isInteger(at) && Math.abs(at) < MAX_SIGNED / 2
}
