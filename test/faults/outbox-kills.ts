/** F22: kill -9 of a process that appends to an outbox, at random points; what had been answered for must be there. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Outbox, openOutbox } from '../../edge/outbox/outbox.ts'
import { createSeededRandom } from '../../simulators/kit/seeded-random.ts'
import type { Seen } from './scenario.ts'

const writer = resolve(import.meta.dirname, '../../edge/outbox/append.fixture.ts')
/** Appends take a fraction of a millisecond to a few: so long after the first one the kill falls anywhere in one. */
const MAX_LIFE_MS = 40

export interface KillOptions {
  rounds: number
  seed?: number
}

/** Writers at a time, each with an outbox of its own: a kill is mostly waiting for a process to start. */
const WRITERS = 4

/** So many kills, shared among several writers; each outbox is then opened and counted. */
export async function runKills({ rounds, seed = 1 }: KillOptions): Promise<Seen> {
  const writers = Math.min(WRITERS, rounds)
  const runs = Array.from({ length: writers }, (_, i) =>
    killWriter({
      rounds: Math.floor(rounds / writers) + (i < rounds % writers ? 1 : 0),
      seed: seed + i,
    }),
  )
  const seen = await Promise.all(runs)
  const sum = (number: (one: KilledWriter) => number) =>
    seen.reduce((total, one) => total + number(one), 0)
  const [returned, kept, gaps] = [sum((s) => s.returned), sum((s) => s.kept), sum((s) => s.gaps)]
  return {
    said: `${rounds} kills, ${returned} appends had returned, ${kept} kept, ${gaps} gaps`,
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    secondsToNormal: Math.max(...seen.map(({ secondsToNormal }) => secondsToNormal)),
    failed: seen.flatMap(({ failed }) => failed),
  }
}

interface KilledWriter extends Omit<Seen, 'said'> {
  returned: number
  kept: number
  gaps: number
}

async function killWriter({ rounds, seed = 1 }: KillOptions): Promise<KilledWriter> {
  const dir = mkdtempSync(join(tmpdir(), 'mimamori-kills-'))
  try {
    const file = join(dir, 'outbox.db')
    const random = createSeededRandom(seed)
    const returned: number[] = []
    for (let round = 0; round < rounds; round++) {
      // A killed append may be durable without having returned: the next round leaves one number out.
      const first = (returned.at(-1) ?? -2) + 2
      returned.push(...(await appendUntilKilled(file, first, random.next() * MAX_LIFE_MS)))
    }
    const startedAt = Date.now()
    const failed = checkIntegrity(file)
    const options = { file, maxBytes: 1e9, maxAgeMs: 86_400_000, gateway: 'gw1' }
    await using outbox = openOutbox(options)
    const secondsToNormal = (Date.now() - startedAt) / 1000
    const { values, gaps } = readAll(outbox)
    const stored = new Set(values)
    const lost = returned.filter((value) => !stored.has(value)).length
    if (gaps < rounds - 1) failed.push(`${gaps} gaps tell of ${rounds} deaths`)
    const counts = { returned: returned.length, kept: stored.size, gaps }
    return { ...counts, lost, duplicated: values.length - stored.size, secondsToNormal, failed }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The integers whose append had returned. */
async function appendUntilKilled(file: string, first: number, lifeMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, file, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const begun = Promise.withResolvers<void>()
  child.stdout.on('data', (part: Buffer) => {
    text += part
    begun.resolve()
  })
  const closed = new Promise<void>((done) => child.once('close', () => done()))
  await Promise.race([begun.promise, closed])
  await sleep(lifeMs)
  child.kill('SIGKILL')
  await closed
  // The last line may be torn by the kill.
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n').filter(Boolean)
  if (lines.length === 0) throw new Error('the writer appended nothing')
  return lines.map(Number)
}

function checkIntegrity(file: string): string[] {
  const database = new DatabaseSync(file)
  try {
    const { integrity_check: verdict } = database.prepare('PRAGMA integrity_check').get() as {
      integrity_check: string
    }
    return verdict === 'ok' ? [] : [`integrity_check: ${verdict}`]
  } finally {
    database.close()
  }
}

function readAll(outbox: Outbox): { values: number[]; gaps: number } {
  const values: number[] = []
  let gaps = 0
  for (let after = 0; ; ) {
    const batches = outbox.peek(after, 1000)
    for (const batch of batches) {
      gaps += batch.gaps.length
      values.push(...batch.samples.map(({ value }) => Number(value)))
    }
    const last = batches.at(-1)
    if (!last) return { values, gaps }
    after = last.number
  }
}
