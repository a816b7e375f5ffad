/** What a sample must be like before any historian stores it: a known tag, a sane time, a value of its tag's type. */
import { parseTagId, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import type { WriteResult } from './historian.ts'

/** The type a tag's values keep for ever, pinned by its first value. */
export type Kind = 'number' | 'bigint' | 'boolean' | 'string'

/** 2000-01-01: a clock before this has lost its battery (1970, 1984 and 1990 are what such clocks say). */
const MIN_AT = 946_684_800_000
/** A clock further ahead than this is wrong, and one such sample would hide every true one as "the newest". */
const MAX_AHEAD_MS = 24 * 3_600_000
/** What InfluxDB takes in one string field; one limit for all, so that a change of historian loses nothing. */
const MAX_TEXT_BYTES = 65_535
/** The bounds of Int64 and UInt64 together. */
const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 64n - 1n
const MAX_STATUS = 0xffff_ffff
const qualities: ReadonlySet<number> = new Set(Object.values(quality))

export interface Admission {
  /** In the order given, each (tag, at) once: the first one of a batch wins. */
  samples: Sample[]
  rejected: WriteResult['rejected']
  /** Tags whose type this batch pins. */
  pinned: Map<TagId, Kind>
}

/** Sorts a batch into what may be stored and what is poison, and says why. */
export function admit(
  samples: readonly Sample[],
  pins: ReadonlyMap<TagId, Kind>,
  now: number,
): Admission {
  const admission: Admission = { samples: [], rejected: [], pinned: new Map() }
  const seen = new Map<TagId, Map<number, number>>()
  for (const sample of samples) {
    const reason = findPoison(sample, now) ?? findConflict(sample, pins, admission.pinned)
    if (reason !== undefined) {
      admission.rejected.push({ sample, reason })
      continue
    }
    const times = seen.get(sample.tag) ?? new Map<number, number>()
    seen.set(sample.tag, times)
    const twin = times.get(sample.at)
    if (twin === undefined) {
      times.set(sample.at, admission.samples.push(sample) - 1)
    } else if (isStaleMark(admission.samples[twin]) && !isStaleMark(sample)) {
      admission.samples[twin] = sample
    }
  }
  return admission
}

/** What a death leaves behind; a reading of the same instant, sent later, is worth more. */
function isStaleMark(sample: Sample | undefined): boolean {
  return sample?.quality === quality.stale
}

/** The worst of several qualities: bad before stale before good. */
export function worstQuality(lowest: number, highest: number): Sample['quality'] {
  if (lowest === quality.bad) return quality.bad
  return highest === quality.stale ? quality.stale : quality.good
}

/** A whole tag id without control characters, which are attacks on logs, screens and queries. */
export function isPlainTag(tag: TagId): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  return parseTagId(tag) !== undefined && tag.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(tag)
}

function findPoison(sample: Sample, now: number): string | undefined {
  const { tag, at, value, status } = sample
  if (!isPlainTag(tag)) return 'the tag is not site/gateway/device/name in plain characters'
  if (!Number.isInteger(at)) return 'the time is not a whole number of milliseconds'
  if (at < MIN_AT) return 'the time is before the year 2000'
  if (at > now + MAX_AHEAD_MS) return 'the time is more than a day ahead'
  if (!qualities.has(sample.quality)) return 'the quality is not 0, 192 or 500'
  if (status !== undefined && !(Number.isInteger(status) && status >= 0 && status <= MAX_STATUS))
    return 'the status is not an unsigned 32-bit integer'
  return value === null ? undefined : findBadValue(value)
}

function findBadValue(value: Value): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : 'the number is not finite'
    case 'bigint':
      return value >= MIN_INTEGER && value <= MAX_INTEGER
        ? undefined
        : 'the integer does not fit in 64 bits'
    case 'string':
      if (!value.isWellFormed()) return 'the text is not well-formed Unicode'
      return Buffer.byteLength(value) <= MAX_TEXT_BYTES ? undefined : 'the text is too long'
    case 'boolean':
      return undefined
    default:
      return 'the value is neither number, integer, text, true nor false'
  }
}

function findConflict(
  { tag, value }: Sample,
  pins: ReadonlyMap<TagId, Kind>,
  pinned: Map<TagId, Kind>,
): string | undefined {
  if (value === null) return undefined
  const kind = typeof value as Kind
  const pin = pins.get(tag) ?? pinned.get(tag)
  if (pin === undefined) pinned.set(tag, kind)
  return pin === undefined || pin === kind
    ? undefined
    : `the value is a ${kind}, but the tag's values are of type ${pin}`
}
