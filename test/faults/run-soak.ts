/** Millions of samples through outbox, uplink, broker, ingest and historian, each killed again and again; the ledger judges. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openDuckdbHistorian } from '../../cloud/historian/duckdb.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { createSeededRandom } from '../../simulators/kit/seeded-random.ts'
import { findQuietPort } from './bench.ts'
import { createMosquitto, createPart, missingMosquitto, type Part } from './processes.ts'
import { countSoak, type SoakVerdict } from './soak-ledger.ts'

export interface SoakOptions {
  samples: number
  seed: number
  /** Mean time between two restarts of anything, ms. */
  restartMs: number
  report(text: string): void
}

/**
 * No part may need more, whatever the number of samples. The gateway holds up to 100,000 live samples; `kept` is what
 * its heap and its buffers still hold after a collection.
 */
const limits = { gatewayMB: 200, keptMB: 60, hostMB: 1000, outboxMB: 100 }
/** Nothing stored for so long is a standstill. */
const STANDSTILL_MS = 300_000
const LOOK_MS = 1000
/** Some thirty restarts while ten million samples go through. */
const RESTART_MS = 5000

interface Peaks {
  gatewayMB: number
  keptMB: number
  hostMB: number
  outboxMB: number
  storeMB: number
}

interface Soak {
  folder: string
  parts: Record<'broker' | 'host' | 'gateway', Part>
  options: SoakOptions
  restarts: number
  first: Peaks | undefined
  /** While all of it still ran. */
  last: Peaks | undefined
  peaks: Peaks
}

/** Answers what did not hold; prints figures on its way. */
export async function runSoak(options: SoakOptions): Promise<string[]> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'mimamori-soak-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const port = await findQuietPort()
  const url = `mqtt://127.0.0.1:${port}`
  const file = join(folder, 'historian.duckdb')
  const broker = stack.use(await createMosquitto({ dir: folder, port }))
  const host = stack.use(createProgram('soak-host.ts', [url, file]))
  const gateway = stack.use(createProgram('soak-gateway.ts', [url, folder, `${options.samples}`]))
  const parts = { broker, host, gateway }
  for (const part of Object.values(parts)) await part.start()
  const none = { gatewayMB: 0, keptMB: 0, hostMB: 0, outboxMB: 0, storeMB: 0 }
  const soak: Soak = {
    folder,
    parts,
    options,
    restarts: 0,
    first: undefined,
    last: undefined,
    peaks: { ...none },
  }
  const startedMs = performance.now()
  const failed = await runToEnd(soak)
  await host.stop()
  const seconds = (performance.now() - startedMs) / 1000
  await using historian = await openDuckdbHistorian({ file, log: createLog('soak') })
  const verdict = await countSoak(historian, options.samples)
  failed.push(...judge(verdict, soak.peaks))
  describe(soak, { seconds, verdict })
  return failed
}

function createProgram(name: string, args: readonly string[]): Part {
  const ready = async () => undefined
  const program = join(import.meta.dirname, name)
  return createPart({ command: process.execPath, args: [program, ...args], env: {}, ready })
}

/** Until the gateway has told all and all is acknowledged; anything is killed at random meanwhile. */
async function runToEnd(soak: Soak): Promise<string[]> {
  const { folder, parts, options } = soak
  const random = createSeededRandom(options.seed)
  let nextMs = performance.now() + options.restartMs * (0.5 + random.next())
  let progress = { made: 0, atMs: performance.now() }
  while (!existsSync(join(folder, 'done'))) {
    await sleep(LOOK_MS)
    look(soak)
    const made = readProgress(folder)
    if (made !== progress.made) progress = { made, atMs: performance.now() }
    if (performance.now() - progress.atMs > STANDSTILL_MS) return ['it stood still']
    const gone = Object.entries(parts).find(([, part]) => part.pid() === undefined)
    const isDone = existsSync(join(folder, 'done'))
    if (gone && !isDone) return [`the ${gone[0]} ended by itself: ${gone[1].output().slice(-500)}`]
    if (performance.now() < nextMs || isDone) continue
    nextMs = performance.now() + options.restartMs * (0.5 + random.next())
    await restartOne(soak, random.next())
  }
  return []
}

function readProgress(folder: string): number {
  return readNumber(join(folder, 'progress'))
}

/** Zero as long as it was not written. */
function readNumber(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
}

/** Kill -9 four times of five, else an orderly stop. */
async function restartOne(soak: Soak, chance: number): Promise<void> {
  const names = ['gateway', 'host', 'broker'] as const
  const name = names[Math.floor(chance * names.length)] ?? 'gateway'
  const part = soak.parts[name]
  if (soak.restarts % 5 === 4) await part.stop()
  else await part.kill()
  await part.start()
  soak.restarts += 1
  const made = readProgress(soak.folder)
  soak.options.report(`${made} made, ${soak.restarts} restarts, last of the ${name}`)
}

function sizeMB(folder: string, start: string): number {
  const names = readdirSync(folder).filter((name) => name.startsWith(start))
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size)
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / 1e6
}

function measure({ folder, parts }: Soak): Peaks {
  return {
    gatewayMB: parts.gateway.rssMB(),
    keptMB: readNumber(join(folder, 'kept')),
    hostMB: parts.host.rssMB(),
    outboxMB: sizeMB(folder, 'outbox'),
    storeMB: sizeMB(folder, 'historian'),
  }
}

function look(soak: Soak): void {
  const now = measure(soak)
  if (Object.values(soak.parts).some((part) => part.pid() === undefined)) return
  soak.first ??= now
  soak.last = now
  for (const name of Object.keys(now) as (keyof Peaks)[]) {
    soak.peaks[name] = Math.max(soak.peaks[name], now[name])
  }
}

function judge({ lost, duplicated, wrong }: SoakVerdict, peaks: Peaks): string[] {
  const over = Object.entries(limits).filter(([name, most]) => peaks[name as keyof Peaks] > most)
  return [
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(duplicated > 0 ? [`${duplicated} doubled`] : []),
    ...(wrong > 0 ? [`${wrong} wrong`] : []),
    ...over.map(([name, most]) => `${name} beyond ${most}: ${peaks[name as keyof Peaks]}`),
  ]
}

function describe(
  { options, restarts, first, last, peaks }: Soak,
  { seconds, verdict }: { seconds: number; verdict: SoakVerdict },
): void {
  const { stored, lost, duplicated } = verdict
  const round = (of: Peaks | undefined) =>
    Object.entries(of ?? {})
      .map(([name, mb]) => `${name} ${Math.round(mb)}`)
      .join(', ')
  const rate = Math.round(options.samples / seconds)
  options.report(
    `${stored} of ${options.samples} stored, ${lost} lost, ${duplicated} doubled, ${restarts} restarts, ${Math.round(seconds)} s (${rate}/s)`,
  )
  options.report(`start: ${round(first)}`)
  options.report(`end: ${round(last)}`)
  options.report(`peak: ${round(peaks)}`)
}

/** Prints its figures; exit code 1 when something did not hold. */
export async function soakAndReport(
  samples: number,
  seed: number,
  restartMs = RESTART_MS,
): Promise<number> {
  const missing = missingMosquitto()
  if (missing !== undefined) throw new Error(missing)
  const report = (text: string) => console.log(text)
  const failed = await runSoak({ samples, seed, restartMs, report })
  for (const each of failed) console.log(`!! ${each}`)
  return failed.length > 0 ? 1 : 0
}

async function main(): Promise<void> {
  const options = {
    samples: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: '1' },
    'restart-ms': { type: 'string', default: `${RESTART_MS}` },
  } as const
  const { values } = parseArgs({ options })
  const { samples, seed, 'restart-ms': restartMs } = values
  process.exit(await soakAndReport(Number(samples), Number(seed), Number(restartMs)))
}

if (import.meta.main) await main()
