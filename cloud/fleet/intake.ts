/** Takes what gateways say, in order, from configured gateways only. */
import type { Gap, SiteId } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { type NodeEvent, writeGap, writeNodeEvent } from './presence.ts'

export interface IntakeOptions {
  store: Store
  audit: Audit
  onChange(site: string): void
}

export interface Intake {
  /** Answers false for a gateway that nobody configured: it is counted and audited, nothing else. */
  onNode(event: NodeEvent): Promise<boolean>
  gap(gap: Gap & { site: SiteId }): Promise<void>
  unknownEvents(): number
}

/** Names of strangers kept, so that each is audited once; beyond this they are only counted. */
const MAX_STRANGERS = 1_000

export function createIntake({ store, audit, onChange }: IntakeOptions): Intake {
  const strangers = new Set<string>()
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

  async function take(event: NodeEvent): Promise<boolean> {
    if (!(await isConfigured(store, event))) {
      await turnAway(event)
      return false
    }
    await writeNodeEvent(store, event)
    onChange(event.site)
    return true
  }

  return {
    onNode(event) {
      const done = tail.then(() => take(event))
      tail = done.catch(() => undefined)
      return done
    },
    async gap(gap) {
      if (!(await isConfigured(store, gap))) return
      await writeGap(store, gap)
      onChange(gap.site)
    },
    unknownEvents: () => unknownEvents,
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
