/** Every change of an alarm's row: one legal transition, its event, in one transaction. */
import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import { Fault } from '../../protocol/kit/fault.ts'
import type { AlarmId } from '../../protocol/model.ts'
import {
  type AlarmAction,
  type AlarmState,
  alarmTransitions,
  nextState,
} from '../../protocol/states.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { AlarmRule } from './alarm-rule.ts'
import { type Cause, formatMessage } from './alarm-view.ts'

export interface Occurrence {
  at: number
  peak: number
  cause: Cause
}

interface AlarmEventRow {
  alarm: string
  at: number
  person: string | null
  kind: string
  comment: string | null
}

/** A new occurrence, or the one that cleared and was never acknowledged, active again. */
export async function raiseAlarm(
  store: Store,
  rule: AlarmRule,
  { at, peak, cause }: Occurrence,
): Promise<string> {
  const told = {
    raised_at: at,
    peak,
    severity: rule.severity,
    message: formatMessage(rule.title, cause),
    contributions: JSON.stringify(cause.contributions),
    filled: cause.filled ? JSON.stringify(cause.filled) : null,
    model: rule.model,
  }
  return await store.db.transaction().execute(async (trx) => {
    const open = await trx
      .selectFrom('alarms')
      .select(['id', 'state'])
      .where('rule', '=', rule.id)
      .where('state', '<>', 'normal')
      .executeTakeFirst()
    const id = open?.id ?? (`alm_${randomBytes(9).toString('base64url')}` satisfies AlarmId)
    if (open) {
      await moveAlarm(trx, { id, state: open.state }, 'activate')
      const again = trx.updateTable('alarms').set({ ...told, cleared_at: null })
      await again.where('id', '=', id).execute()
    } else {
      const { asset, site } = rule
      await trx
        .insertInto('alarms')
        .values({
          ...{ id, rule: rule.id, asset, site, ...told },
          previous_state: 'normal',
          state: 'active-unacked',
          ...{ cleared_at: null, acked_at: null, acked_by: null, case_id: null },
        })
        .execute()
    }
    await writeEvent(trx, { alarm: id, at, person: null, kind: 'raised', comment: null })
    return id
  })
}

export async function clearAlarm(
  store: Store,
  id: string,
  { at, peak, comment = null }: { at: number; peak: number; comment?: string | null },
): Promise<void> {
  await store.db.transaction().execute(async (trx) => {
    await moveAlarm(trx, await stateOf(trx, id), 'clear')
    await trx.updateTable('alarms').set({ cleared_at: at, peak }).where('id', '=', id).execute()
    await writeEvent(trx, { alarm: id, at, person: null, kind: 'cleared', comment })
  })
}

/** Throws Fault 'alarm.conflict' when it is acknowledged already, 'object.missing' when there is none. */
export async function acknowledgeAlarm(
  store: Store,
  { alarm, at, person, comment }: Omit<AlarmEventRow, 'kind'>,
): Promise<void> {
  await store.db.transaction().execute(async (trx) => {
    await moveAlarm(trx, await stateOf(trx, alarm), 'acknowledge')
    const set = trx.updateTable('alarms').set({ acked_at: at, acked_by: person })
    await set.where('id', '=', alarm).execute()
    await writeEvent(trx, { alarm, at, person, kind: 'acknowledged', comment })
  })
}

export async function writeEvent(
  db: Transaction<Schema> | Store['db'],
  event: AlarmEventRow,
): Promise<void> {
  await db.insertInto('alarm_events').values(event).execute()
}

async function stateOf(trx: Transaction<Schema>, id: string) {
  const row = await trx
    .selectFrom('alarms')
    .select(['id', 'state'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw new Fault('object.missing', { id })
  return row
}

async function moveAlarm(
  trx: Transaction<Schema>,
  { id, state }: { id: string; state: AlarmState },
  action: AlarmAction,
): Promise<void> {
  const after = nextState(alarmTransitions, state, action)
  if (!after) throw new Fault('alarm.conflict', { id, state, action })
  await trx
    .updateTable('alarms')
    .set({ previous_state: state, state: after })
    .where('id', '=', id)
    .execute()
}
