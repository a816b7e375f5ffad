/** The gaps that an outbox has told since the start, as they pass: for the local page and for Prometheus. */
import type { Gap } from '../protocol/model.ts'
import type { Outbox } from './outbox/outbox.ts'

/** Shown; older ones are counted only. */
const MAX_LATEST = 20
/** A batch that is sent again brings its gaps again: so many are known by what they say. */
const MAX_KNOWN = 1_000

export interface ToldGaps {
  /** By reason. */
  counts: Readonly<Record<string, number>>
  /** Newest first. */
  latest: readonly Gap[]
}

export interface WatchedGaps {
  toldGaps(): ToldGaps
}

/** The same outbox, with an ear on what goes in and out. */
export function watchGaps<O extends Outbox>(outbox: O): O & WatchedGaps {
  const known = new Set<string>()
  const counts: Record<string, number> = {}
  const latest: Gap[] = []
  const hear = (gaps: readonly Gap[] = []) => {
    for (const gap of gaps) {
      const key = `${gap.reason} ${gap.from} ${gap.to}`
      if (known.has(key)) continue
      known.add(key)
      const [oldest] = known
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
      counts[gap.reason] = (counts[gap.reason] ?? 0) + 1
      latest.unshift(gap)
      latest.length = Math.min(latest.length, MAX_LATEST)
    }
  }
  return {
    ...outbox,
    append(batch) {
      const number = outbox.append(batch)
      hear(batch.gaps)
      return number
    },
    peek(after, limit) {
      const batches = outbox.peek(after, limit)
      for (const { gaps } of batches) hear(gaps)
      return batches
    },
    toldGaps: () => ({ counts: { ...counts }, latest: [...latest] }),
    [Symbol.asyncDispose]: () => outbox[Symbol.asyncDispose](),
  }
}
