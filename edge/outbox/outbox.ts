/** The gateway's store-and-forward log: numbered batches in SQLite, durable before they are published, deleted once acknowledged. */
import type { Gap, Sample } from '../../protocol/model.ts'
import { type Kept, openLogFile } from './log-file.ts'
import { unpackBatch } from './pack.ts'

export interface Batch {
  /** 1, 2, 3 … without gaps for the life of the outbox file. */
  number: number
  samples: Sample[]
  gaps: Gap[]
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
  append(batch: { samples: Sample[]; gaps?: Gap[] }): number
  /** Unacknowledged batches with a number above `after`, in order, at most `limit`. */
  peek(after: number, limit: number): Batch[]
  /** Deletes the batches of this range, both ends included: for readers at once, on disk with the next write. */
  acknowledge(from: number, to: number): void
  depth(): OutboxDepth
  /** Durable 'last alive'; call it at least once a second. `append` implies it. */
  heartbeat(at: number): void
  lastAlive(): number | undefined
}

export interface OutboxOptions {
  file: string
  /** Packed bytes kept before the oldest are dropped. */
  maxBytes: number
  /** Batches appended longer ago than this are dropped. */
  maxAgeMs: number
  gateway: string
  /**
   * What was read so shortly before the last sign of life may have died in memory: on its way from the device
   * (a publishing interval) or waiting for the next batch. A 'gateway-down' gap begins this much earlier.
   */
  coverageLagMs?: number
  now?: () => number
}

/** A publishing interval of a second and two flushes. */
const COVERAGE_LAG_MS = 1500

/** A full outbox drops down to this share at once, so that one gap tells of many batches. */
const KEEP_SHARE = 0.9

/** Batches unpacked at a time while dropping: bounds the memory of a large drop. */
const DROP_STEP = 100

/**
 * Opens (or creates) the outbox. Dead time since the last sign of life becomes one Gap 'gateway-down';
 * a file that is not sound is set aside and told by a Gap 'corrupt'. Throws Fault 'outbox.unwritable'.
 */
export function openOutbox(options: OutboxOptions): Outbox {
  const now = options.now ?? Date.now
  const { file, corruptSince } = openLogFile(options, now())
  const lastAlive = file.lastAlive()
  const start: Gap[] = []
  if (corruptSince !== undefined) {
    start.push({ gateway: options.gateway, from: corruptSince, to: now(), reason: 'corrupt' })
  }
  if (lastAlive !== undefined && lastAlive < now()) {
    const from = lastAlive - (options.coverageLagMs ?? COVERAGE_LAG_MS)
    start.push({ gateway: options.gateway, from, to: now(), reason: 'gateway-down' })
  }
  if (start.length > 0) file.insert({ samples: [], gaps: start }, now())
  let dropped = 0

  const dropOldest = () => {
    const lost = collectOldest(file, options, now())
    if (!lost) return
    file.transact(() => {
      file.remove(0, lost.to)
      file.insert({ samples: [], gaps: lost.gaps }, now())
    })
    dropped += lost.samples
  }

  return {
    append(batch) {
      dropOldest()
      return file.insert({ samples: batch.samples, gaps: batch.gaps ?? [] }, now())
    },
    peek: (after, limit) => {
      const rows = file.read(after, limit)
      const batches = rows.map((row) => toBatch(file, row))
      const broken = rows.filter((_, index) => batches[index] === undefined)
      for (const row of broken) dropped += reportBroken(file, row, { options, at: now() })
      return batches.filter((batch) => batch !== undefined)
    },
    acknowledge: (from, to) => file.settle(from, to),
    depth: () => ({ ...file.depth(), dropped }),
    heartbeat: (at) => file.alive(at),
    lastAlive: () => file.lastAlive(),
    async [Symbol.asyncDispose]() {
      file.alive(now())
      file.close()
    },
  }
}

type LogFile = ReturnType<typeof openLogFile>['file']

function toBatch(file: LogFile, row: Kept): Batch | undefined {
  const content = unpackBatch(row.body, file.tagOf)
  return content && { number: row.number, ...content }
}

/** A batch whose checksum fails is gone: say so, once, in its place. */
function reportBroken(
  file: LogFile,
  row: Kept,
  { options, at }: { options: OutboxOptions; at: number },
): number {
  const gap: Gap = {
    gateway: options.gateway,
    from: row.at,
    to: row.at + 1,
    reason: 'corrupt',
    lost: row.samples,
  }
  file.transact(() => {
    file.remove(row.number, row.number)
    file.insert({ samples: [], gaps: [gap] }, at)
  })
  return row.samples
}

interface Lost {
  /** The newest batch number to delete. */
  to: number
  samples: number
  gaps: Gap[]
}

/** What has to go for the bounds to hold; undefined when nothing. Gaps inside it are carried on. */
function collectOldest(file: LogFile, options: OutboxOptions, now: number): Lost | undefined {
  const { bytes, oldestAt } = file.depth()
  const oldest = now - options.maxAgeMs
  const over = bytes > options.maxBytes
  if (oldestAt === undefined || (!over && oldestAt >= oldest)) return undefined
  let toFree = over ? bytes - options.maxBytes * KEEP_SHARE : 0
  const lost: Lost = { to: 0, samples: 0, gaps: [] }
  for (;;) {
    const rows = file.read(lost.to, DROP_STEP)
    for (const row of rows) {
      if (toFree <= 0 && row.at >= oldest) return finishLost(lost)
      toFree -= row.bytes
      lost.to = row.number
      lost.samples += row.samples
      addGaps(lost.gaps, gapsOf(file, row, options.gateway))
    }
    if (rows.length === 0) return finishLost(lost)
  }
}

function finishLost(lost: Lost): Lost | undefined {
  return lost.to === 0 ? undefined : lost
}

function gapsOf(file: LogFile, row: Kept, gateway: string): Gap[] {
  const batch = toBatch(file, row)
  const times = batch?.samples.map((sample) => sample.at) ?? [row.at]
  if (times.length === 0) return batch?.gaps ?? []
  const from = times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const to = times.reduce((most, at) => Math.max(most, at), 0) + 1
  const own: Gap = { gateway, from, to, reason: 'outbox-full', lost: row.samples }
  return [...(batch?.gaps ?? []), own]
}

/** Dropped stretches grow into one gap; gaps of other reasons stay as they are. */
function addGaps(gaps: Gap[], added: readonly Gap[]): void {
  for (const gap of added) {
    const full = gap.reason === 'outbox-full' && gaps.find(({ reason }) => reason === gap.reason)
    if (!full) gaps.push({ ...gap })
    else {
      full.from = Math.min(full.from, gap.from)
      full.to = Math.max(full.to, gap.to)
      full.lost = (full.lost ?? 0) + (gap.lost ?? 0)
    }
  }
}
