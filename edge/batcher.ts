/** Collects what the links emit and puts it on disk, then on the wire, a few times a second. */
import { wait } from '../protocol/kit/backoff.ts'
import { Fault } from '../protocol/kit/fault.ts'
import type { Log } from '../protocol/kit/log.ts'
import type { Gap, Sample } from '../protocol/model.ts'

export interface BatcherOptions {
  /** Readings wait in memory at most this long; a sudden death loses so much, inside the reported gap. */
  flushMs: number
  /** Puts a batch on disk; throws Fault with `retry` while the disk is full. */
  append(samples: Sample[], gaps: Gap[]): number
  publish(number: number, samples: Sample[], gaps: Gap[]): void
  /** Everything read before this instant is on disk. */
  heartbeat(at: number): void
  gateway: string
  log: Log
}

export interface BatcherCounters {
  samples: number
  batches: number
  /** Samples thrown away because disk and memory were full; each lies in a reported gap. */
  dropped: number
  waiting: number
}

export interface Batcher {
  add(samples: readonly Sample[]): void
  /** Runs until the signal aborts, then flushes a last time. */
  run(signal: AbortSignal): Promise<void>
  flush(): void
  counters(): BatcherCounters
}

/** Kept in memory while the disk refuses: about a minute of a busy gateway, some 20 MB. */
const MAX_WAITING = 100_000
/** A gateway with nothing to tell says so this often; a gap of dead time begins at its last word. */
const HEARTBEAT_MS = 1_000
/** One batch becomes one or a few MQTT messages. */
const MAX_BATCH = 2_000
/** A process that stood still for longer than this acquired nothing meanwhile, and says so. */
const MAX_PAUSE_MS = 10_000

export function createBatcher(options: BatcherOptions): Batcher {
  let waiting: Sample[] = []
  /** What memory had no room for; one gap that grows. */
  let gap: Gap | undefined
  const pauses: Gap[] = []
  let refused = false
  let aliveAt = Date.now()
  const counters: BatcherCounters = { samples: 0, batches: 0, dropped: 0, waiting: 0 }

  function add(samples: readonly Sample[]): void {
    for (const sample of samples) waiting.push(sample)
    counters.samples += samples.length
    if (waiting.length > MAX_WAITING) drop(waiting.length - MAX_WAITING)
  }

  function drop(count: number): void {
    const lost = waiting.splice(0, count)
    counters.dropped += lost.length
    const from = Math.min(...bounds(lost))
    const to = Math.max(...bounds(lost)) + 1
    gap = {
      gateway: options.gateway,
      from: Math.min(from, gap?.from ?? from),
      to: Math.max(to, gap?.to ?? to),
      reason: 'disk-full',
      lost: lost.length + (gap?.lost ?? 0),
    }
  }

  function flush(): void {
    const startedAt = Date.now()
    const before = counters.batches
    while (waiting.length > 0 || pauses.length > 0 || gap) {
      const samples = waiting.slice(0, MAX_BATCH)
      const gaps = gap ? [gap, ...pauses] : [...pauses]
      const number = write(() => options.append(samples, gaps))
      if (number === undefined) return
      waiting = waiting.slice(samples.length)
      gap = undefined
      pauses.length = 0
      counters.batches += 1
      options.publish(number, samples, gaps)
    }
    // A batch is a sign of life itself: another one would be another wait for the disk.
    if (counters.batches > before) aliveAt = startedAt
    else if (Math.abs(startedAt - aliveAt) >= HEARTBEAT_MS) {
      write(() => options.heartbeat(startedAt))
      aliveAt = startedAt
    }
  }

  /** Undefined: the disk refuses; everything waits in memory until it does not. */
  function write<T>(work: () => T): T | undefined {
    try {
      const result = work()
      if (refused) options.log.info('the outbox takes readings again')
      refused = false
      return result
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (!refused)
        options.log.error({ err: error }, 'the outbox refuses readings; they wait in memory')
      refused = true
      return undefined
    }
  }

  return {
    add,
    flush,
    counters: () => ({ ...counters, waiting: waiting.length }),
    async run(signal) {
      let alive = { at: Date.now(), ms: performance.now() }
      while (await wait(options.flushMs, signal)) {
        const to = Date.now()
        // By the monotonic clock: a step of the other one is no pause.
        if (performance.now() - alive.ms > MAX_PAUSE_MS) {
          pauses.push({ gateway: options.gateway, from: alive.at, to, reason: 'gateway-down' })
        }
        alive = { at: to, ms: performance.now() }
        flush()
      }
      flush()
    },
  }
}

/** Smallest and largest source time, without spreading a large array. */
function bounds(samples: readonly Sample[]): [number, number] {
  let least = Number.POSITIVE_INFINITY
  let most = 0
  for (const { at } of samples) {
    if (at < least) least = at
    if (at > most) most = at
  }
  return [least, most]
}
