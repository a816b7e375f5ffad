/** The oracle of loss: two machines count, the cloud and the gateway are killed, and every integer must be there once or inside a reported gap. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openDuckdbHistorian } from '../cloud/historian/duckdb.ts'
import { openStore } from '../cloud/store/store.ts'
import type { GatewayStatus } from '../edge/local/plant.ts'
import { Fault } from '../protocol/kit/fault.ts'
import { type Gap, type GapReason, quality, type TagId } from '../protocol/model.ts'
import { checkLedger, type LedgerFinding, splitLatePolls } from './check-ledger.ts'
import { type Demo, startDemo } from './demo.ts'
import { plant } from './places.ts'
import { findFreePorts } from './ports.ts'

export interface LedgerOptions {
  /** Folder for the demo's data. */
  dir: string
  cloudSeconds: number
  gatewaySeconds: number
  say(line: string): void
}

export interface LedgerReport {
  /** `latePolls`: integers of a polled counter that no poll saw. */
  ledgers: (LedgerFinding & { name: string; latePolls: number[] })[]
  /** Every gap the plant's gateway reported. */
  gaps: Gap[]
  /** In words; empty: nothing was lost, doubled or left unreported. */
  problems: string[]
}

/** What an OPC UA server queues is all ours; what is polled we see when we look. */
const counters = {
  'press (OPC UA)': { device: 'press', polled: false },
  'chiller (Modbus)': { device: 'chiller', polled: true },
} as const
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
  for (const [name, { device, polled }] of Object.entries(counters)) {
    const tag: TagId = `${plant.site}/${plant.gateway}/${device}/Ledger`
    const samples = await historian.raw(tag, 0, Number.MAX_SAFE_INTEGER, MAX_SAMPLES)
    const strict = checkLedger(samples, gaps)
    const { lost, late } = polled
      ? splitLatePolls(strict.unexplained)
      : { lost: strict.unexplained, late: [] }
    const finding = { ...strict, unexplained: lost }
    report.ledgers.push({ name, ...finding, latePolls: late })
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
    row('counter', 'first', 'last', 'stored', 'doubled', 'in gaps', 'late polls', 'lost'),
    ...ledgers.map(({ name, first = '-', last = '-', stored, doubled, ...rest }) => {
      const { missing, unexplained, latePolls } = rest
      const inGaps = missing.length - unexplained.length - latePolls.length
      const counts = [stored, doubled.length, inGaps, latePolls.length, unexplained.length]
      return row(name, first, last, ...counts)
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
