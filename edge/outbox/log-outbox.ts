/** The rules of an outbox over one log: bounds, order, what is told of what had to go. */
import type { Gap, GapReason, Sample } from '../../protocol/model.ts'
import type { Samples } from '../readings.ts'
import type { Kept, LogFile } from './log-file.ts'
import { createBrokenGap } from './open-log-file.ts'
import { unpackBatch } from './unpack.ts'

export interface Batch {
  /** 1, 2, 3 … without gaps for the life of the outbox file. */
  number: number
  samples: Sample[]
  gaps: Gap[]
}

/** As it was appended, on its way without a look at the disk. */
export interface LiveBatch extends Omit<Batch, 'samples'> {
  samples: Samples
}

export interface OutboxDepth {
  batches: number
  samples: number
  /** Bytes of the packed batches; the file itself is a little larger and never shrinks. */
  bytes: number
  /** When the oldest unacknowledged batch was appended, Unix ms. */
  oldestAt: number | undefined
  /** Samples dropped unacknowledged since the outbox was opened (each also lies in a Gap). */
  dropped: number
}

export interface Outbox extends AsyncDisposable {
  /** The number of the new batch, durable when it returns. Throws Fault 'outbox.unwritable' (retry): nothing was appended. */
  append(batch: { samples: Samples; gaps?: Gap[] }): number
  /** Unacknowledged batches with a number above `after`, in order, at most `limit`. */
  peek(after: number, limit: number): Batch[]
  /** Deletes the batches of this range, both ends included: for readers at once, on disk with a later write. */
  acknowledge(from: number, to: number): void
  depth(): OutboxDepth
  /** The same as a depth of no batches, for who asks often. */
  isEmpty(): boolean
  /** Durable 'last alive'; call it at least once a second. `append` implies it, once a second. */
  heartbeat(at: number): void
  lastAlive(): number | undefined
}

/** A full outbox drops down to this share at once, so that one gap tells of many batches. */
const KEEP_SHARE = 0.9

const MAX_LOOK_PAUSE_MS = 10_000
/** The clock is set: it went further than time did. Less than this ages nothing that matters. */
const CLOCK_STEP_MS = 60_000
/** Batches unpacked at a time while dropping: bounds the memory of a large drop. */
const DROP_STEP = 100

export interface LogOutboxOptions {
  gateway: string
  /** Packed bytes kept before the oldest are dropped. */
  maxBytes: number
  /** Batches appended longer ago than this are dropped. */
  maxAgeMs: number
  /** What the gap of dropped batches says. */
  reason: GapReason
  now(): number
  /** False while nobody knows what time it is: then nothing is a sign of life. */
  isClockSet?(): boolean
}

/** Answers for a moment which rows are too old then. A clock that jumps ahead by years must not empty the outbox. */
function createAges(file: LogFile, maxAgeMs: number): (at: number) => IsAged {
  let seen: { at: number; monoMs: number } | undefined
  /** Batches up to this number were appended before a jump: they are younger than they look. */
  let grace = { upTo: 0, byMs: 0 }
  return (at) => {
    const monoMs = performance.now()
    const aheadMs = seen ? at - seen.at - (monoMs - seen.monoMs) : 0
    seen = { at, monoMs }
    if (aheadMs > CLOCK_STEP_MS) grace = { upTo: file.newest(), byMs: grace.byMs + aheadMs }
    return (row) => row.at + (row.number <= grace.upTo ? grace.byMs : 0) < at - maxAgeMs
  }
}

type IsAged = (row: Pick<Kept, 'number' | 'at'>) => boolean

/** Without disposal: who opened the log closes it. */
export function createLogOutbox(
  file: LogFile,
  options: LogOutboxOptions,
): Omit<Outbox, keyof AsyncDisposable> {
  const { gateway, now, isClockSet = () => true } = options
  let dropped = 0
  const put = (samples: Samples, gaps: Gap[]): number =>
    isClockSet() ? file.insert({ samples, gaps }, now()) : file.copy({ samples, gaps }, now())

  let lookedAt = Number.NEGATIVE_INFINITY
  /** Age is counted in hours: it need not be looked at with every batch. */
  const isLookDue = (at: number) => {
    const pauseMs = Math.min(MAX_LOOK_PAUSE_MS, options.maxAgeMs / 100)
    return file.bytes() > options.maxBytes || at < lookedAt || at >= lookedAt + pauseMs
  }
  const agedOf = createAges(file, options.maxAgeMs)
  const dropOldest = () => {
    const at = now()
    const isAged = agedOf(at)
    if (!isLookDue(at)) return
    lookedAt = at
    const lost = collectOldest(file, options, isAged)
    if (!lost) return
    file.transact(() => {
      file.remove(0, lost.to)
      put([], lost.gaps)
    })
    dropped += lost.samples
  }
  /** Says so once, in its place. */
  const reportBroken = (row: Kept) => {
    file.transact(() => {
      file.remove(row.number, row.number)
      put([], [createBrokenGap(row, gateway)])
    })
    dropped += row.samples
  }

  return {
    append(batch) {
      dropOldest()
      return put(batch.samples, batch.gaps ?? [])
    },
    peek: (after, limit) => {
      const rows = file.read(after, limit)
      const batches = rows.map((row) => toBatch(file, row))
      for (const [index, row] of rows.entries()) if (!batches[index]) reportBroken(row)
      return batches.filter((batch) => batch !== undefined)
    },
    acknowledge: (from, to) => file.settle(from, to),
    depth: () => ({ ...file.depth(), dropped }),
    isEmpty: () => file.batches() === 0,
    heartbeat(at) {
      if (isClockSet()) file.alive(at)
    },
    lastAlive: () => file.lastAlive(),
  }
}

function toBatch(file: LogFile, row: Kept): Batch | undefined {
  const content = unpackBatch(row.body, file.tagOf)
  return content && { number: row.number, ...content }
}

interface Lost {
  /** The newest batch number to delete. */
  to: number
  samples: number
  gaps: Gap[]
}

/** What has to go for the bounds to hold; undefined when nothing. Gaps inside it are carried on. */
function collectOldest(file: LogFile, options: LogOutboxOptions, isAged: IsAged): Lost | undefined {
  const bytes = file.bytes()
  const over = bytes > options.maxBytes
  const [oldest] = file.read(0, 1)
  if (!oldest || (!over && !isAged(oldest))) return undefined
  let toFree = over ? bytes - options.maxBytes * KEEP_SHARE : 0
  const lost: Lost = { to: 0, samples: 0, gaps: [] }
  for (;;) {
    const rows = file.read(lost.to, DROP_STEP)
    for (const row of rows) {
      if (toFree <= 0 && !isAged(row)) return finishLost(lost)
      toFree -= row.bytes
      lost.to = row.number
      lost.samples += row.samples
      addGaps(lost.gaps, gapsOf(file, row, options))
    }
    if (rows.length === 0) return finishLost(lost)
  }
}

function finishLost(lost: Lost): Lost | undefined {
  return lost.to === 0 ? undefined : lost
}

function gapsOf(file: LogFile, row: Kept, { gateway, reason }: LogOutboxOptions): Gap[] {
  const batch = toBatch(file, row)
  const times = batch?.samples.map((sample) => sample.at) ?? [row.at]
  if (times.length === 0) return batch?.gaps ?? []
  const from = times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const to = times.reduce((most, at) => Math.max(most, at), 0) + 1
  const own: Gap = { gateway, from, to, reason, lost: row.samples }
  return [...(batch?.gaps ?? []), own]
}

/** Dropped stretches grow into one gap; gaps of other reasons stay as they are. */
function addGaps(gaps: Gap[], added: readonly Gap[]): void {
  for (const gap of added) {
    const isDrop = gap.reason === 'outbox-full' || gap.reason === 'disk-full'
    const full = isDrop && gaps.find(({ reason }) => reason === gap.reason)
    if (!full) gaps.push({ ...gap })
    else {
      full.from = Math.min(full.from, gap.from)
      full.to = Math.max(full.to, gap.to)
      full.lost = (full.lost ?? 0) + (gap.lost ?? 0)
    }
  }
}
