/** How late polls come when every commit of the outbox waits for a slow disk: `node test/faults/slow-disk.ts`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runSchedule } from '../../edge/acquisition/schedule.ts'
import { createBatcher, FLUSH_MS } from '../../edge/batcher.ts'
import { createGatewayClock } from '../../edge/gateway-clock.ts'
import { openEnduringOutbox } from '../../edge/outbox/enduring-outbox.ts'
import { quality, type Sample } from '../../protocol/model.ts'

/** Typical of SSDs, of flash, of bad cards, and of a card that is about to die. */
const DELAYS_MS = [0, 5, 20, 50, 100, 250]
const GROUPS = 20
const INTERVAL_MS = 100
const TAGS = 10
const WATCH_MS = 10_000

interface Lateness {
  fsyncMs: number
  p50: number
  p99: number
  max: number
  /** Of the time, in per cent. */
  blocked: number
  commits: number
}

/** Twenty groups of ten tags at 100 ms through batcher and outbox; each commit stands still as an fsync does. */
async function watchDelay(fsyncMs: number): Promise<Lateness> {
  const folder = mkdtempSync(join(tmpdir(), 'mimamori-slow-disk-'))
  const file = join(folder, 'outbox.sqlite')
  const stop = new AbortController()
  const late: number[] = []
  const disk = { commits: 0, blockedMs: 0 }
  const waiting = new Int32Array(new SharedArrayBuffer(4))
  const commit = <T>(work: () => T): T => {
    const startedMs = performance.now()
    const result = work()
    if (fsyncMs > 0) Atomics.wait(waiting, 0, 0, fsyncMs)
    disk.commits += 1
    disk.blockedMs += performance.now() - startedMs
    return result
  }
  try {
    await using outbox = openEnduringOutbox({
      ...{ file, maxBytes: 1e9, maxAgeMs: 1e9, gateway: 'gw1' },
    })
    const batcher = createBatcher({
      flushMs: FLUSH_MS,
      append: (samples, gaps) => commit(() => outbox.append({ samples, gaps })),
      publish: (number) => outbox.acknowledge(number, number),
      heartbeat: (at) => commit(() => outbox.heartbeat(at)),
      gateway: 'gw1',
      clock: createGatewayClock(),
    })
    const groups = Array.from({ length: GROUPS }, (_, group) =>
      runSchedule(
        { intervalMs: INTERVAL_MS, phaseMs: (group * INTERVAL_MS) / GROUPS },
        ({ lateMs }) => {
          late.push(lateMs)
          batcher.add(readGroup(group))
        },
        stop.signal,
      ),
    )
    const running = batcher.run(stop.signal)
    await sleep(WATCH_MS)
    stop.abort()
    await Promise.all([...groups, running])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  late.sort((one, other) => one - other)
  const at = (share: number) => Math.round(late[Math.floor(late.length * share)] ?? Number.NaN)
  const blocked = Math.round((disk.blockedMs / WATCH_MS) * 100)
  return { fsyncMs, p50: at(0.5), p99: at(0.99), max: at(0.9999), blocked, commits: disk.commits }
}

function readGroup(group: number): Sample[] {
  return Array.from({ length: TAGS }, (_, i) => ({
    ...{ tag: `plant/gw1/plc${group}/T${i}` as const, at: Date.now(), quality: quality.good },
    value: Math.round(Math.random() * 1000) / 10,
  }))
}

async function main(): Promise<void> {
  for (const fsyncMs of DELAYS_MS) {
    const { p50, p99, max, blocked, commits } = await watchDelay(fsyncMs)
    console.log(
      `fsync ${fsyncMs} ms: polls late p50 ${p50}, p99 ${p99}, max ${max} ms; loop blocked ${blocked} %, ${commits} commits`,
    )
  }
}

if (import.meta.main) await main()
