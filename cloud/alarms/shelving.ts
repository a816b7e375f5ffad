/** Shelving (OPC UA TimedShelve): a rule is set aside for a while, on purpose, by name and with a reason. */
import type { AlarmView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { writeEvent } from './alarm-changes.ts'

export interface AlarmChangeEvent {
  alarm: AlarmView
  kind:
    | 'raised'
    | 'cleared'
    | 'acknowledged'
    | 'shelved'
    | 'unshelved'
    | 'out-of-service'
    | 'in-service'
  /** False: awareness only, it opens no case. */
  opensCase: boolean
}

/** Who acts; the caller has asked the policy already. */
export interface Person {
  id: string
  login: string
}

export interface ShelvingParts {
  store: Store
  audit: Audit
  now(): number
  tell(id: string, kind: AlarmChangeEvent['kind']): Promise<AlarmView>
}

interface RuleRef {
  rule: string
  site: string
}

/** Throws Fault 'object.missing'. */
export async function shelveAlarm(
  parts: ShelvingParts,
  actor: Person,
  wanted: { id: string; minutes: number; reason: string },
): Promise<AlarmView> {
  const { id, minutes, reason } = wanted
  const { rule, site } = await ruleOf(parts, id)
  await setShelving(parts, rule, { until: parts.now() + minutes * 60_000, by: actor.id })
  const event = { alarm: id, at: parts.now(), person: actor.id, kind: 'shelved', comment: reason }
  await writeEvent(parts.store.db, event)
  const detail = { minutes, reason }
  await parts.audit.append({
    ...{ actor: actor.login, action: 'alarm.shelve', object: id, site },
    ...{ outcome: 'done', detail },
  })
  return await parts.tell(id, 'shelved')
}

/** Throws Fault 'object.missing'. */
export async function unshelveAlarm(
  parts: ShelvingParts,
  actor: Person,
  id: string,
): Promise<AlarmView> {
  const { rule, site } = await ruleOf(parts, id)
  await setShelving(parts, rule, undefined)
  const event = { alarm: id, at: parts.now(), person: actor.id, kind: 'unshelved', comment: null }
  await writeEvent(parts.store.db, event)
  const { login } = actor
  await parts.audit.append({
    ...{ actor: login, action: 'alarm.unshelve', object: id, site },
    outcome: 'done',
  })
  return await parts.tell(id, 'unshelved')
}

/** Takes back what is shelved until now or before. */
export async function expireShelvings(parts: ShelvingParts, at: number): Promise<void> {
  const { db } = parts.store
  const over = await db
    .selectFrom('alarm_rules')
    .select('id')
    .where('shelved_until', '<=', at)
    .execute()
  for (const { id: rule } of over) {
    await setShelving(parts, rule, undefined)
    const open = await db
      .selectFrom('alarms')
      .select('id')
      .where('rule', '=', rule)
      .where('state', '<>', 'normal')
      .executeTakeFirst()
    if (open) await parts.tell(open.id, 'unshelved')
  }
}

async function ruleOf({ store }: ShelvingParts, id: string): Promise<RuleRef> {
  const row = await store.db
    .selectFrom('alarms')
    .select(['rule', 'site'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw new Fault('object.missing', { id })
  return row
}

async function setShelving(
  { store }: ShelvingParts,
  rule: string,
  shelved: { until: number; by: string } | undefined,
): Promise<void> {
  await store.db
    .updateTable('alarm_rules')
    .set({
      shelving: shelved ? 'TimedShelved' : 'Unshelved',
      shelved_until: shelved?.until ?? null,
      shelved_by: shelved?.by ?? null,
    })
    .where('id', '=', rule)
    .execute()
}
