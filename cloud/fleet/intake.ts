/** Takes what gateways say, in order, from configured gateways only. */
import type { Gap, SiteId } from '../../protocol/model.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { keepDevices, writeGap, writeNodeEvent } from './presence.ts'

export interface IntakeOptions {
  store: Store
  audit: Audit
  onChange(site: string): void
}

export interface Intake {
  /** Answers false for a gateway that nobody configured: it is counted and audited, nothing else. */
  onNode(event: NodeEvent): Promise<boolean>
  /** In the order of the events too: a birth on its way is not undone. */
  keepDevices(site: string, gateway: string, devices: readonly string[]): Promise<void>
  gap(gap: Gap & { site: SiteId }): Promise<void>
  unknownEvents(): number
  /** When two machines were last found to claim this gateway's identity; undefined: not since the start. */
  contestedAt(site: string, gateway: string): number | undefined
}

type Contested = Extract<NodeEvent, { kind: 'contested' }>

/** Names of strangers kept, so that each is audited once; beyond this they are only counted. */
const MAX_STRANGERS = 1_000

export function createIntake({ store, audit, onChange }: IntakeOptions): Intake {
  const strangers = new Set<string>()
  /** By `site/gateway`: configured ones only. */
  const contests = new Map<string, number>()
  let unknownEvents = 0
  // Events are written in the order they came: a death must not overtake the birth before it.
  let tail: Promise<unknown> = Promise.resolve()

  async function turnAway({ site, gateway, kind }: NodeEvent): Promise<void> {
    unknownEvents += 1
    const name = `${site}/${gateway}`
    if (strangers.has(name) || strangers.size >= MAX_STRANGERS) return
    strangers.add(name)
    await audit.append({
      actor: name,
      action: 'gateway.unknown',
      object: name,
      outcome: 'denied',
      detail: { kind },
    })
  }

  /** Two machines with one identity: a copied disk, or a stolen certificate. It belongs in the log nobody can edit. */
  async function tellContested({ site, gateway, takeovers, at }: Contested): Promise<void> {
    const name = `${site}/${gateway}`
    contests.set(name, at)
    await audit.append({
      actor: name,
      action: 'gateway.contested',
      object: name,
      site,
      outcome: 'failed',
      detail: { takeovers },
    })
  }

  async function take(event: NodeEvent): Promise<boolean> {
    if (!(await isConfigured(store, event))) {
      await turnAway(event)
      return false
    }
    if (event.kind === 'contested') await tellContested(event)
    else await writeNodeEvent(store, event)
    onChange(event.site)
    return true
  }

  return {
    onNode(event) {
      const done = tail.then(() => take(event))
      tail = done.catch(() => undefined)
      return done
    },
    keepDevices(site, gateway, devices) {
      const done = tail.then(async () => {
        if (await keepDevices(store, { site, gateway }, devices)) onChange(site)
      })
      tail = done.catch(() => undefined)
      return done
    },
    async gap(gap) {
      if (!(await isConfigured(store, gap))) return
      await writeGap(store, gap)
      onChange(gap.site)
    },
    unknownEvents: () => unknownEvents,
    contestedAt: (site, gateway) => contests.get(`${site}/${gateway}`),
  }
}

async function isConfigured(
  store: Store,
  { site, gateway }: { site: string; gateway: string },
): Promise<boolean> {
  const row = await store.db
    .selectFrom('gateways')
    .select('id')
    .where('site', '=', site)
    .where('id', '=', gateway)
    .executeTakeFirst()
  return row !== undefined
}
