/** What the store knows to be no normal operation: planned maintenance, alarms, cases, gaps; and what a person said was normal all the same. */
import type { Period } from '../../protocol/api-models.ts'
import { parseTagId, type TagId } from '../../protocol/model.ts'
import { readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'

export interface Trouble extends Period {
  reason: string
}

/** An alarm is late by its delays and its window: what was before it belongs to it. */
const BEFORE_ALARM_MS = 60_000
/** And the machine needs a while after it. */
const AFTER_ALARM_MS = 60_000

export interface TroubleQuery extends Period {
  asset: string
  site: string
  tags: readonly TagId[]
}

export async function findKnownTrouble(store: Store, query: TroubleQuery): Promise<Trouble[]> {
  const found = [
    // First: what alarmed while it was worked on was left out for the work.
    ...(await maintenanceOf(store, query)),
    ...(await alarmsOf(store, query)),
    ...(await casesOf(store, query)),
    ...(await gapsOf(store, query)),
  ]
  return found.filter(({ from, to }) => to > from)
}

async function maintenanceOf(store: Store, query: TroubleQuery): Promise<Trouble[]> {
  const works = await readPlannedWork(store, query)
  return works.map(({ from, to, text }) => {
    return { from, to: Math.min(to, query.to), reason: `planned maintenance: ${text}` }
  })
}

/** Awareness-only alarms of a version on trial say nothing yet. */
async function alarmsOf({ db }: Store, { asset, from, to }: TroubleQuery): Promise<Trouble[]> {
  const rows = await db
    .selectFrom('alarms')
    .innerJoin('alarm_rules', 'alarm_rules.id', 'alarms.rule')
    .leftJoin('normal_periods', 'normal_periods.alarm', 'alarms.id')
    .select(['alarms.message', 'raised_at', 'cleared_at'])
    .where('alarms.asset', '=', asset)
    .where('opens_case', '=', 1)
    .where('normal_periods.id', 'is', null)
    .where('raised_at', '<=', to)
    .execute()
  return rows
    .map(({ message, raised_at, cleared_at }) => ({
      from: raised_at - BEFORE_ALARM_MS,
      to: (cleared_at ?? to) + AFTER_ALARM_MS,
      reason: `alarm: ${message}`,
    }))
    .filter((span) => span.to >= from)
}

/** From its opening to its end: a machine that is worked on is not in normal operation. */
async function casesOf({ db }: Store, { asset, from, to }: TroubleQuery): Promise<Trouble[]> {
  const rows = await db
    .selectFrom('cases')
    .select(['title', 'opened_at', 'closed_at', 'state'])
    .where('asset', '=', asset)
    .where('opened_at', '<=', to)
    .execute()
  return rows
    .filter(({ state }) => state !== 'dismissed')
    .map(({ title, opened_at, closed_at }) => {
      return { from: opened_at, to: closed_at ?? to, reason: `case: ${title}` }
    })
    .filter((span) => span.to >= from)
}

async function gapsOf({ db }: Store, { site, tags, from, to }: TroubleQuery): Promise<Trouble[]> {
  const gateways = [...new Set(tags.map((tag) => parseTagId(tag)?.gateway ?? ''))]
  if (gateways.length === 0) return []
  const rows = await db
    .selectFrom('gaps')
    .select(['gateway', 'from_at', 'to_at', 'reason'])
    .where('site', '=', site)
    .where('gateway', 'in', gateways)
    .where('from_at', '<=', to)
    .where('to_at', '>=', from)
    .execute()
  return rows.map(({ gateway, from_at, to_at, reason }) => {
    return { from: from_at, to: to_at, reason: `gap of gateway ${gateway}: ${reason}` }
  })
}
