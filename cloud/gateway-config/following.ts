/** The way of a sent configuration, from the gateway's first answer to its end; resumed whenever the tunnel comes up. */
import { wait } from '../../protocol/kit/backoff.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { ConfigOfferAnswer, ConfigReport } from '../../protocol/tunnel/configuration.ts'
import type { Audit } from '../audit/audit.ts'
import {
  type ConfigRow,
  type Db,
  findPresent,
  findVersion,
  isUnderWay,
  type Move,
  moveVersion,
  writePresent,
} from './config-rows.ts'
import type { GatewayName, GatewayOrders } from './gateway-orders.ts'

/** How often a gateway with something on trial is asked; a person looks at the page meanwhile. */
const FOLLOW_MS = 500

export interface Following {
  db: Db
  audit: Audit
  orders: GatewayOrders
  log: Log
  /** Its tunnel is up. */
  isUp(of: GatewayName): boolean
  now(): number
  /** Something about this gateway's configuration is different. */
  onChange(of: GatewayName): void
  /** What the gateway says it runs. */
  onDevices(of: GatewayName, devices: readonly string[]): Promise<void>
}

/** Reads what the gateway runs with, and writes it down. */
export async function readPresent(
  { db, orders, now, onChange, onDevices }: Following,
  of: GatewayName,
): Promise<ConfigReport> {
  const before = await findPresent(db, of)
  const report = await orders.report(of)
  await writePresent(db, of, { report, at: now() })
  if (before?.hash !== report.hash || before.allowed !== report.allowed) onChange(of)
  // One on trial may be gone in a minute: what it leaves out is not forgotten for that.
  if (!report.pending) await onDevices(of, report.devices)
  return report
}

/** Writes down what the gateway said of the offer. */
export async function takeAnswer(
  parts: Following,
  row: ConfigRow,
  { outcome, why, say, problems, diff }: ConfigOfferAnswer,
): Promise<ConfigRow> {
  const action = ({ staged: 'stage', unchanged: 'same', refused: 'refuse' } as const)[outcome]
  return await move(parts, row, { action, values: { why, say, problems, diff } })
}

/** Until the version has ended or the signal aborts; while the tunnel is down the gateway decides alone. */
export async function follow(
  parts: Following,
  { site, gateway, version }: ConfigRow,
  signal: AbortSignal,
): Promise<void> {
  const of = { site, gateway }
  do {
    if (!parts.isUp(of)) continue
    const row = await findVersion(parts.db, of, version)
    if (!row) return
    try {
      if (isUnderWay(row)) await advance(parts, row, await parts.orders.report(of))
      else return void (await readPresent(parts, of))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      parts.log.info({ ...of, version, code: error.code }, 'configuration not followed')
    }
  } while (await wait(FOLLOW_MS, signal))
}

/** One look: what the gateway says of this version, and our word to it. */
async function advance(parts: Following, row: ConfigRow, report: ConfigReport): Promise<void> {
  const { pending, last } = report
  const { version, site, gateway } = row
  if (pending?.version === version) {
    let known = row
    if (known.state === 'sent') known = await move(parts, known, { action: 'stage' })
    if (pending.phase === 'staged') return
    if (known.state === 'staged') {
      const values = { confirm_before: parts.now() + (pending.leftMs ?? 0) }
      known = await move(parts, known, { action: 'apply', values })
    }
    const { done } = await parts.orders.confirm({ site, gateway }, version)
    if (!done) return
    // Whoever sees it confirmed must find it as what the gateway runs with.
    await readPresent(parts, { site, gateway })
    await move(parts, known, { action: 'confirm' })
  } else if (report.version === version && row.state !== 'sent') {
    // Its answer to our confirmation was lost on the way.
    const known = row.state === 'staged' ? await move(parts, row, { action: 'apply' }) : row
    await move(parts, known, { action: 'confirm' })
  } else if (last?.version === version && last.outcome === 'reverted') {
    await move(parts, row, { action: 'revert', values: { why: last.why, say: last.say } })
  } else {
    const say = 'the gateway knows nothing of it'
    await move(parts, row, { action: 'revert', values: { why: 'lost', say } })
  }
}

async function move(
  parts: Following,
  row: ConfigRow,
  { action, values }: Omit<Move, 'at'>,
): Promise<ConfigRow> {
  const after = await moveVersion(parts.db, row, { action, at: parts.now(), values })
  const { site, gateway, version, state } = after
  parts.log.info({ site, gateway, version, why: after.why }, `configuration ${state}`)
  if (!isUnderWay(after)) {
    await parts.audit.append({
      actor: 'gateway-config',
      action: 'gateway.configure',
      object: `${site}/${gateway}`,
      site,
      outcome: state === 'confirmed' || state === 'unchanged' ? 'done' : 'failed',
      detail: { version, state, why: after.why, say: after.say },
    })
  }
  parts.onChange({ site, gateway })
  return after
}
