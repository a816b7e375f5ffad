/** Which batches to send next and which await their acknowledgement: live first, then what is left over, each exactly once at a time. */
import type { BatchRange } from '../../protocol/sparkplug/delivery.ts'
import type { Batch, LiveBatch } from '../outbox/outbox.ts'

export interface DeliveryQueueOptions {
  /** How long an announced range may stay unanswered; doubled while the host stays silent. */
  ackTimeoutMs: number
  /** Live batches waiting for the socket; beyond it they are left to the outbox and go as history. */
  maxLive: number
  /** The samples in them are memory: a gateway of ten thousand tags puts thousands into a batch. One batch is always taken. */
  maxLiveSamples: number
  /** Samples of history under way at once: the pace of a drain is the host's own. */
  maxHistorical: number
}

/** A slow host must not be asked the same thing ever faster: the time-out grows up to this factor. */
const MAX_PATIENCE = 8

interface InFlight extends BatchRange {
  /** Samples of history in it (0 for live). */
  historical: number
  deadline: number
}

/**
 * Pure but for its own memory. Every unacknowledged batch number is in one place only: live, under way, or left.
 * "Left" starts as everything in the outbox; its open end closes when the first live batch arrives.
 */
export interface DeliveryQueue {
  /** A new session, or a rebirth: whatever was under way may be lost. */
  restart(): void
  /** A batch just appended to the outbox. */
  offer(batch: LiveBatch): void
  /** Live batches with adjoining numbers, at most about `maxSamples`. */
  takeLive(maxSamples: number): LiveBatch[] | undefined
  /** The next left-over numbers to look up in the outbox; undefined when there are none or too much is under way. */
  nextLeft(): BatchRange | undefined
  /** The answer to `nextLeft`: these were found and will be sent now; none means the range holds nothing. */
  takeLeft(range: BatchRange, found: readonly Batch[]): void
  sent(range: BatchRange, historical: number, now: number): void
  /** True when this very range was under way; only then may it be deleted. */
  acknowledged(range: BatchRange): boolean
  /** Moves ranges whose time is over back to "left"; answers how many. */
  expire(now: number): number
  /** Nothing live, left or under way. */
  idle(): boolean
  /** Everything in the outbox is left again (used when idle but the outbox is not empty). */
  reopen(): void
}

export function createDeliveryQueue(options: DeliveryQueueOptions): DeliveryQueue {
  let live: LiveBatch[] = []
  let left: BatchRange[] = []
  let flying: InFlight[] = []
  /** The highest number that is in one of the three places or done with. */
  let covered = 0
  let patience = 1

  const leave = (range: BatchRange) => {
    left = mergeRanges([...left, range])
  }
  const hasRoom = () => {
    const samples = live.reduce((sum, batch) => sum + batch.samples.length, 0)
    return live.length < options.maxLive && samples < options.maxLiveSamples
  }
  const open = () => left.find((range) => range.to === Number.POSITIVE_INFINITY)
  const reopen = () => {
    live = []
    flying = []
    left = [{ from: 1, to: Number.POSITIVE_INFINITY }]
    covered = 0
  }
  return {
    restart() {
      reopen()
      patience = 1
    },
    reopen,
    offer(batch) {
      if (batch.number <= covered) return
      const tail = open()
      if (tail) tail.to = batch.number - 1
      else if (batch.number > covered + 1) leave({ from: covered + 1, to: batch.number - 1 })
      left = left.filter((range) => range.from <= range.to)
      covered = batch.number
      if (hasRoom()) live.push(batch)
      else leave({ from: batch.number, to: batch.number })
    },
    takeLive(maxSamples) {
      if (live.length === 0) return undefined
      const count = countAdjoining(live, maxSamples)
      return live.splice(0, count)
    },
    nextLeft() {
      const underWay = flying.reduce((sum, range) => sum + range.historical, 0)
      return underWay < options.maxHistorical ? left[0] : undefined
    },
    takeLeft(range, found) {
      const last = found.at(-1)?.number
      if (last === undefined) {
        left = left.filter((each) => each.from !== range.from)
        return
      }
      covered = Math.max(covered, last)
      for (const each of left) if (each.from === range.from) each.from = last + 1
      left = left.filter((each) => each.from <= each.to)
    },
    sent(range, historical, now) {
      flying.push({ ...range, historical, deadline: now + options.ackTimeoutMs * patience })
    },
    acknowledged(range) {
      const index = flying.findIndex((each) => each.from === range.from && each.to === range.to)
      if (index < 0) return false
      flying.splice(index, 1)
      patience = 1
      return true
    },
    expire(now) {
      const late = flying.filter((range) => range.deadline <= now)
      if (late.length === 0) return 0
      flying = flying.filter((range) => range.deadline > now)
      for (const { from, to } of late) leave({ from, to })
      patience = Math.min(MAX_PATIENCE, patience * 2)
      return late.length
    },
    idle: () => live.length === 0 && left.length === 0 && flying.length === 0,
  }
}

function countAdjoining(batches: readonly LiveBatch[], maxSamples: number): number {
  let samples = 0
  for (const [index, batch] of batches.entries()) {
    const previous = batches[index - 1]
    if (previous && (batch.number !== previous.number + 1 || samples >= maxSamples)) return index
    samples += batch.samples.length
  }
  return batches.length
}

/** Sorted, with overlapping and adjoining ranges joined. */
export function mergeRanges(ranges: readonly BatchRange[]): BatchRange[] {
  const merged: BatchRange[] = []
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to)
    else merged.push({ ...range })
  }
  return merged
}
