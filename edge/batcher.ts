/** Collects what the links emit and puts it into the outbox, then on the wire, a few times a second. */
import { wait } from '../protocol/kit/backoff.ts'
import type { Gap, Sample } from '../protocol/model.ts'
import { type ClockHold, createClockHold, type GatewayClock } from './gateway-clock.ts'
import { isRow, type Part, Parts, type Row, type Samples, sizeOf, toSamples } from './readings.ts'

export interface BatcherOptions {
  /** Readings wait in memory so long, on a slow disk up to a second; a sudden death loses so much, inside the reported gap. */
  flushMs: number
  append(samples: Samples, gaps: Gap[]): number
  publish(number: number, samples: Samples, gaps: Gap[]): void
  /** Everything read before this instant is in the outbox. */
  heartbeat(at: number): void
  gateway: string
  clock: GatewayClock
}

export interface BatcherCounters {
  samples: number
  batches: number
  /** Thrown away because nobody knew the time and memory was full; they lie in a gap that is told. */
  dropped: number
  /** In memory, on their way to the outbox or waiting for a clock that is set. */
  waiting: number
}

export interface Batcher {
  add(samples: readonly Sample[]): void
  addRow(row: Row): void
  /** Runs until the signal aborts, then flushes a last time. */
  run(signal: AbortSignal): Promise<void>
  flush(): void
  counters(): BatcherCounters
}

/** The gateway's own: readings are on disk half a second after they were taken. */
export const FLUSH_MS = 500
/** A gateway with nothing to tell says so this often; a gap of dead time begins at its last word. */
const HEARTBEAT_MS = 1_000
/** One batch becomes one or a few MQTT messages. */
const MAX_BATCH = 5_000
/** A slow disk may hold up the polls for a tenth of the time, by fewer and larger batches; up to this apart. */
const MAX_FLUSH_MS = 1_000
const FLUSH_SHARE = 0.1
/** A process that stood still for longer than this acquired nothing meanwhile, and says so. */
const MAX_PAUSE_MS = 10_000

export function createBatcher(options: BatcherOptions): Batcher {
  const { clock } = options
  const hold: ClockHold = createClockHold(clock)
  let waiting: Part[] = []
  /** The last of them, while samples may be added to it. */
  let tail: Sample[] | undefined
  const untold: Gap[] = []
  /** By the monotonic clock: a step of the other one is no pause and no sign of life. */
  let aliveMs = performance.now()
  const counters = { samples: 0, batches: 0 }

  const waitFor = (samples: readonly Sample[]) => {
    if (samples.length === 0) return
    const open = tail ?? []
    if (!tail) waiting.push(open)
    tail = open
    for (const sample of samples) open.push(sample)
  }
  const add = (samples: readonly Sample[]) => {
    waitFor(hold.pass(samples))
    counters.samples += samples.length
  }

  function flush(): void {
    const startedMs = performance.now()
    const startedAt = clock.now()
    const before = counters.batches
    // Held readings go on with the first look after the clock was set, also when nothing new is read.
    waitFor(hold.pass([]))
    const lost = hold.takeLost()
    if (lost) untold.push({ gateway: options.gateway, ...lost, reason: 'outbox-full' })
    while (waiting.length > 0 || untold.length > 0) {
      tail = undefined
      const [parts, rest] = cutParts(waiting)
      const samples = new Parts(parts)
      const gaps = [...untold]
      const number = options.append(samples, gaps)
      waiting = rest
      untold.length = 0
      counters.batches += 1
      options.publish(number, samples, gaps)
    }
    // A batch is a sign of life itself: another one would be another wait for the disk.
    const isQuiet = counters.batches === before
    if (isQuiet && startedMs - aliveMs < HEARTBEAT_MS) return
    if (isQuiet) options.heartbeat(startedAt)
    aliveMs = startedMs
  }

  return {
    add,
    addRow(row) {
      if (!clock.isSet() || hold.held() > 0) return add(toSamples(row))
      tail = undefined
      waiting.push(row)
      counters.samples += row.values.length
    },
    flush,
    counters: () => ({
      ...counters,
      dropped: hold.dropped(),
      waiting: waiting.reduce((sum, part) => sum + sizeOf(part), 0) + hold.held(),
    }),
    async run(signal) {
      let beforeMs = performance.now()
      let flushMs = options.flushMs
      while (await wait(flushMs, signal)) {
        const pausedMs = performance.now() - beforeMs
        beforeMs += pausedMs
        if (pausedMs > MAX_PAUSE_MS) {
          const to = clock.now()
          const from = Math.floor(to - pausedMs)
          untold.push({ gateway: options.gateway, from, to, reason: 'gateway-down' })
        }
        const startedMs = performance.now()
        flush()
        const restMs = (performance.now() - startedMs) * (1 / FLUSH_SHARE - 1)
        flushMs = Math.min(MAX_FLUSH_MS, Math.max(options.flushMs, restMs))
      }
      flush()
    },
  }
}

/** As many as one batch takes, and the rest; a row stays whole. */
function cutParts(waiting: readonly Part[]): [taken: Part[], rest: Part[]] {
  const taken: Part[] = []
  let room = MAX_BATCH
  for (const [index, part] of waiting.entries()) {
    if (sizeOf(part) <= room || (isRow(part) && taken.length === 0)) {
      taken.push(part)
      room -= sizeOf(part)
    } else if (isRow(part) || room === 0) return [taken, waiting.slice(index)]
    else {
      taken.push(part.slice(0, room))
      return [taken, [part.slice(room), ...waiting.slice(index + 1)]]
    }
  }
  return [taken, []]
}
