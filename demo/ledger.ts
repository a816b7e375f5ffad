/** The oracle of loss: two machines count, the cloud and the gateway are killed, and every integer must be there once or inside a reported gap. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openDuckdbHistorian } from '../cloud/historian/duckdb.ts'
import { openStore } from '../cloud/store/store.ts'
import type { GatewayStatus } from '../edge/local/page.ts'
import { Fault } from '../protocol/kit/fault.ts'
import { type Gap, type GapReason, quality, type Sample, type TagId } from '../protocol/model.ts'
import { type Demo, startDemo } from './demo.ts'
import { plant } from './places.ts'
import { findFreePorts } from './ports.ts'

export interface LedgerFinding {
  /** Undefined: not one integer was stored. */
  first: number | undefined
  last: number | undefined
  /** Different integers. */
  stored: number
  doubled: number[]
  missing: number[]
  /** Missing, and nobody told of it: lost. */
  unexplained: number[]
  /** Those reported gaps in which something is missing. */
  gaps: Gap[]
}

/**
 * Judges the samples of one counting tag. A missing integer is explained when the instant it was shown lies in
 * one reported gap, or between a bad mark of the gateway and the next good value. A stale mark explains nothing:
 * the cloud writes one when it hears of a death, and what the gateway acquires meanwhile must still come.
 */
export function checkLedger(samples: readonly Sample[], gaps: readonly Gap[]): LedgerFinding {
  const goods = samples
    .filter(({ value, quality: q }) => q === quality.good && value !== null)
    .map(({ value, at }) => ({ value: Number(value), at }))
    .sort((one, other) => one.value - other.value || one.at - other.at)
  const marks = samples.filter(({ quality: q }) => q === quality.bad).map(({ at }) => at)
  const doubled = new Set<number>()
  const missing: number[] = []
  const unexplained: number[] = []
  const used = new Set<Gap>()
  for (const [i, next] of goods.entries()) {
    const last = goods[i - 1]
    if (!last) continue
    if (last.value === next.value) doubled.add(next.value)
    const mark = Math.min(...marks.filter((at) => at > last.at && at < next.at))
    const stepMs = (next.at - last.at) / (next.value - last.value)
    for (let value = last.value + 1; value < next.value; value++) {
      const at = last.at + (value - last.value) * stepMs
      const gap = gaps.find(({ from, to }) => from <= at && at < to)
      if (gap) used.add(gap)
      missing.push(value)
      if (!gap && at < mark) unexplained.push(value)
    }
  }
  return {
    first: goods[0]?.value,
    last: goods.at(-1)?.value,
    stored: new Set(goods.map(({ value }) => value)).size,
    doubled: [...doubled],
    missing,
    unexplained,
    gaps: [...used],
  }
}

export interface LedgerOptions {
  /** Folder for the demo's data. */
  dir: string
  cloudSeconds: number
  gatewaySeconds: number
  say(line: string): void
}

export interface LedgerReport {
  ledgers: (LedgerFinding & { name: string })[]
  /** Every gap the plant's gateway reported. */
  gaps: Gap[]
  /** In words; empty: nothing was lost, doubled or left unreported. */
  problems: string[]
}

const counters = { 'press (OPC UA)': 'press', 'chiller (Modbus)': 'chiller' } as const
/** Good data before the first kill, and between and after the kills. */
const CALM_MS = 3_000
/** A demo that is not good, or an outbox that does not empty, by then never will. */
const PATIENCE_MS = 120_000
const POLL_MS = 250
const MAX_SAMPLES = 1_000_000
/** No recorded fault comes, and no part restarts by itself. */
const NEVER_SECONDS = 86_400

/** Runs the demo, kills its cloud and its plant's gateway, and judges what is stored. */
export async function runLedger(options: LedgerOptions): Promise<LedgerReport> {
  const outage = await runOutages(options)
  options.say('demo stopped; reading what is stored')
  const cloudDir = join(options.dir, 'cloud')
  await using historian = await openDuckdbHistorian({ file: join(cloudDir, 'historian.duckdb') })
  await using store = await openStore({ file: join(cloudDir, 'state.sqlite') })
  const rows = await store.db
    .selectFrom('gaps')
    .selectAll()
    .where('gateway', '=', plant.gateway)
    .execute()
  const gaps = rows.map(({ gateway, from_at: from, to_at: to, reason, lost }): Gap => {
    return { gateway, from, to, reason: reason as GapReason, lost: lost ?? undefined }
  })
  const report: LedgerReport = { ledgers: [], gaps, problems: judgeGaps(gaps, outage) }
  for (const [name, device] of Object.entries(counters)) {
    const tag: TagId = `${plant.site}/${plant.gateway}/${device}/Ledger`
    const samples = await historian.raw(tag, 0, Number.MAX_SAFE_INTEGER, MAX_SAMPLES)
    const finding = checkLedger(samples, gaps)
    report.ledgers.push({ name, ...finding })
    report.problems.push(...judgeLedger(name, finding))
    const newest = Math.max(...samples.filter((s) => s.quality === quality.good).map((s) => s.at))
    if (!(newest > outage.restartedAt)) report.problems.push(`${name}: nothing after the restart`)
  }
  return report
}

interface Outage {
  killedAt: number
  restartedAt: number
}

/** Answers when the gateway died and was back. */
async function runOutages(options: LedgerOptions): Promise<Outage> {
  const { dir, cloudSeconds, gatewaySeconds, say } = options
  const [port = 0] = await findFreePorts(1)
  say('starting the demo')
  await using demo = await startDemo({
    data: dir,
    port,
    faultAfter: NEVER_SECONDS,
    restartAfter: NEVER_SECONDS,
  })
  await untilDelivered(demo)
  await sleep(CALM_MS)
  say(`kill -9 of the cloud for ${cloudSeconds} s`)
  await demo.part('cloud').stop('SIGKILL')
  await sleep(cloudSeconds * 1000)
  await demo.part('cloud').start()
  await untilDelivered(demo)
  await sleep(CALM_MS)
  say(`kill -9 of the plant's gateway for ${gatewaySeconds} s`)
  const killedAt = Date.now()
  await demo.part(plant.gateway).stop('SIGKILL')
  await sleep(gatewaySeconds * 1000)
  await demo.part(plant.gateway).start()
  const restartedAt = Date.now()
  await untilDelivered(demo)
  await sleep(CALM_MS)
  await untilDelivered(demo)
  say('everything acquired is acknowledged')
  return { killedAt, restartedAt }
}

/** Both counters are good at the gateway, and everything it acquired until now is acknowledged. */
async function untilDelivered({ ports }: Demo): Promise<void> {
  const startedAt = Date.now()
  let why = 'no answer of its page'
  while (Date.now() < startedAt + PATIENCE_MS) {
    const status = await readStatus(ports.plantLocal)
    why = status ? whyNot(status, startedAt) : why
    if (why === '') return
    await sleep(POLL_MS)
  }
  throw new Fault('part.not-ready', { part: plant.gateway, why, log: 'logs/' })
}

async function readStatus(port: number): Promise<GatewayStatus | undefined> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as GatewayStatus
  } catch {
    return undefined
  }
}

function whyNot({ devices, outbox }: GatewayStatus, since: number): string {
  const counting = devices.filter(({ tags }) =>
    tags.some((tag) => tag.name === 'Ledger' && tag.quality === quality.good),
  )
  if (counting.length < Object.keys(counters).length) return 'a machine is not good'
  return outbox.oldestAt !== undefined && outbox.oldestAt <= since
    ? 'its outbox does not empty'
    : ''
}

/** The dead time is one gap, no shorter than it was. */
function judgeGaps(gaps: readonly Gap[], { killedAt, restartedAt }: Outage): string[] {
  const down = gaps.filter(({ reason }) => reason === 'gateway-down')
  const [gap, ...others] = down
  if (!gap || others.length > 0) return [`${down.length} gaps tell of one dead gateway`]
  const covers = gap.from <= killedAt && gap.to > gap.from && gap.to <= restartedAt
  return covers ? [] : ['the gap of the dead gateway is not where it was dead']
}

function judgeLedger(name: string, { stored, doubled, unexplained }: LedgerFinding): string[] {
  return [
    ...(stored === 0 ? [`${name}: nothing stored`] : []),
    ...(doubled.length > 0 ? [`${name}: stored twice: ${doubled.join(', ')}`] : []),
    ...(unexplained.length > 0 ? [`${name}: lost and not told: ${unexplained.join(', ')}`] : []),
  ]
}

/** The report as a table for a terminal. */
export function formatReport({ ledgers, gaps, problems }: LedgerReport): string {
  const row = (...cells: (string | number)[]): string =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(18) : String(cell).padStart(12))).join('')
  const told = gaps.map(({ reason, from, to }) => {
    return `gap ${reason}: ${new Date(from).toISOString()} to ${new Date(to).toISOString()} (${((to - from) / 1000).toFixed(1)} s)`
  })
  return [
    row('counter', 'first', 'last', 'stored', 'doubled', 'in gaps', 'lost'),
    ...ledgers.map(({ name, first = '-', last = '-', stored, doubled, missing, unexplained }) => {
      const inGaps = missing.length - unexplained.length
      return row(name, first, last, stored, doubled.length, inGaps, unexplained.length)
    }),
    ...told,
    ...(problems.length > 0 ? problems : ['every integer is accounted for']),
  ].join('\n')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'cloud-seconds': { type: 'string', default: '30' },
      'gateway-seconds': { type: 'string', default: '10' },
      keep: { type: 'boolean', default: false },
    },
  })
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-ledger-'))
  const report = await runLedger({
    dir,
    cloudSeconds: Number(values['cloud-seconds']),
    gatewaySeconds: Number(values['gateway-seconds']),
    say: (line) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`),
  })
  console.log(formatReport(report))
  if (values.keep) console.log(`kept in ${dir}`)
  else await rm(dir, { recursive: true, force: true })
  process.exitCode = report.problems.length > 0 ? 1 : 0
}

if (import.meta.main) await main()
