/** Measures the outbox beside its limit in one run: samples a second, bytes on disk, against a bare append-and-fsync of the same bytes. */
import { closeSync, fdatasyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sample } from '../../protocol/model.ts'
import { openOutbox } from '../outbox/outbox.ts'
import { packBatch } from '../outbox/pack.ts'
import type { RowTags } from '../readings.ts'
import { createReadings } from './readings.ts'
import { median, round } from './statistics.ts'

/** A gateway of 5,000 tags at 1 s flushes five times a second. */
const BATCH_SAMPLES = 1_000
const BATCHES = 250
const ROUNDS = 7
/** What one drained range holds in the gateway. */
const DRAIN_BATCHES = 2
const MAX_AGE_MS = 86_400_000

export interface OutboxFigures {
  /** Samples a second, durable; batches of `batchSamples`. */
  appendPerS: number
  /** Samples a second read back and deleted. */
  drainPerS: number
  /** Size of the closed file over the samples in it. */
  bytesPerSample: number
  /** Ours over the bare one's: 1 would be no cost at all. */
  appendRatio: number
  /** Bytes the process wrote to disk for each sample, log and checkpoints included. */
  writtenPerSample: number
  barePerS: number
  batchSamples: number
  goals: { bytesPerSample: string }
}

interface Round {
  append: number
  drain: number
  bare: number
  bytes: number
  written: number
}

/** Takes about ten seconds; figures are medians over rounds in which both sides take turns. */
export async function benchOutbox(): Promise<OutboxFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-outbox-'))
  try {
    const batches = Array.from({ length: BATCHES }, createReadings(BATCH_SAMPLES))
    const rounds: Round[] = []
    for (let index = 0; index <= ROUNDS; index++) {
      const measured = await measureRound(join(folder, String(index)), batches)
      // The first one warms up the compiler.
      if (index > 0) rounds.push(measured)
    }
    return summarize(rounds)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function summarize(rounds: readonly Round[]): OutboxFigures {
  const of = (pick: (round: Round) => number) => median(rounds.map(pick))
  const bytesPerSample = round(of((it) => it.bytes))
  return {
    appendPerS: Math.round(of((it) => it.append)),
    drainPerS: Math.round(of((it) => it.drain)),
    bytesPerSample,
    appendRatio: round(of((it) => it.append / it.bare)),
    writtenPerSample: round(of((it) => it.written)),
    barePerS: Math.round(of((it) => it.bare)),
    batchSamples: BATCH_SAMPLES,
    goals: { bytesPerSample: bytesPerSample <= 8 ? '<= 8: met' : '<= 8: MISSED' },
  }
}

async function measureRound(path: string, batches: readonly Sample[][]): Promise<Round> {
  const samples = batches.length * BATCH_SAMPLES
  const bare = samples / writeBare(`${path}.bare`, batches)
  const file = `${path}.sqlite`
  const options = { file, maxBytes: 1e9, maxAgeMs: MAX_AGE_MS, gateway: 'gw' }
  const before = writtenBytes()
  const filling = openOutbox(options)
  const appendS = timeS(() => {
    for (const batch of batches) filling.append({ samples: batch })
  })
  await filling[Symbol.asyncDispose]()
  const written = (writtenBytes() - before) / samples
  const bytes = statSync(file).size / samples
  await using draining = openOutbox(options)
  const drainS = timeS(() => {
    for (;;) {
      const found = draining.peek(0, DRAIN_BATCHES)
      const [first, last] = [found.at(0), found.at(-1)]
      if (!first || !last) break
      draining.acknowledge(first.number, last.number)
    }
    // Acknowledged rows leave the disk with the next sign of life.
    draining.heartbeat(Date.now())
  })
  return { append: samples / appendS, drain: samples / drainS, bare, bytes, written }
}

/** The limit: the very bytes of the packed batches, each made durable before the next; seconds. */
function writeBare(file: string, batches: readonly Sample[][]): number {
  const numbers = new Map<string, number>()
  const numberOf = (tag: string) => {
    const known = numbers.get(tag) ?? numbers.size
    numbers.set(tag, known)
    return known
  }
  const numbersOf = (of: RowTags) => Int32Array.from(of.tags, numberOf)
  const bodies = batches.map((samples) => packBatch({ samples, gaps: [] }, { numberOf, numbersOf }))
  const handle = openSync(file, 'w')
  try {
    return timeS(() => {
      for (const body of bodies) {
        writeSync(handle, body)
        fdatasyncSync(handle)
      }
    })
  } finally {
    closeSync(handle)
  }
}

function timeS(work: () => void): number {
  const from = performance.now()
  work()
  return (performance.now() - from) / 1000
}

/** What the kernel sent to the disk for this process (Linux); it counts pages, not calls. */
function writtenBytes(): number {
  const text = readFileSync('/proc/self/io', 'utf8')
  return Number(/^write_bytes: (\d+)/m.exec(text)?.[1] ?? 0)
}
