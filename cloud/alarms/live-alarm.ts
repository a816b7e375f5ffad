/** One rule with what it remembers: what a sample makes of it is written down at once. */
import type { Sample } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import { type AlarmMemory, applySample, initialAlarm } from './alarm.ts'
import { clearAlarm, raiseAlarm, writeEvent } from './alarm-changes.ts'
import type { AlarmRule } from './alarm-rule.ts'
import type { Cause } from './alarm-view.ts'

/** The peak is written down when it has grown by this factor: one write per sample would be a waste. */
const PEAK_STEP = 1.05

export interface LiveAlarm {
  rule: AlarmRule
  memory: AlarmMemory
  /** The open occurrence. */
  alarm: string | undefined
  storedPeak: number
}

/** Takes up where the last run stopped: an active alarm is still active, its timers start afresh. */
export async function restoreLive(store: Store, rule: AlarmRule): Promise<LiveAlarm> {
  const open = await store.db
    .selectFrom('alarms')
    .select(['id', 'state', 'peak', 'raised_at'])
    .where('rule', '=', rule.id)
    .where('state', '<>', 'normal')
    .executeTakeFirst()
  const peak = open?.peak ?? 0
  if (!open?.state.startsWith('active'))
    return { rule, memory: initialAlarm, alarm: open?.id, storedPeak: peak }
  const persistence = { active: true, peak: peak / rule.highLimit, onAt: open.raised_at }
  return { rule, memory: { ...initialAlarm, persistence }, alarm: open.id, storedPeak: peak }
}

/** Of whatever rules. */
export async function listActive({ db }: Store) {
  return await db
    .selectFrom('alarms')
    .select(['id', 'rule', 'peak'])
    .where('state', 'in', ['active-unacked', 'active-acked'])
    .execute()
}

export async function applyLive(
  store: Store,
  live: LiveAlarm,
  { sample, cause }: { sample: Sample; cause: Cause },
): Promise<'raised' | 'cleared' | undefined> {
  const before = live.memory
  const applied = applySample(before, sample, live.rule)
  const kind = await writeChange(store, live, { before, ...applied, at: sample.at, cause })
  // Only after it is written: what could not be is said again by the next value.
  live.memory = applied.memory
  return kind
}

interface Applied extends ReturnType<typeof applySample> {
  before: AlarmMemory
  at: number
  cause: Cause
}

async function writeChange(
  store: Store,
  live: LiveAlarm,
  { before, memory, change, at, cause }: Applied,
): Promise<'raised' | 'cleared' | undefined> {
  const peak = memory.persistence.peak * live.rule.highLimit
  if (change === 'activate') {
    live.alarm = await raiseAlarm(store, live.rule, { at, peak, cause })
    live.storedPeak = peak
    return 'raised'
  }
  if (!live.alarm || !before.persistence.active) return undefined
  if (change === 'clear') {
    await clearAlarm(store, live.alarm, { at, peak })
    return 'cleared'
  }
  if (memory.uncertain && !before.uncertain) {
    const comment = 'The value is not known: the alarm neither clears nor is confirmed.'
    await writeEvent(store.db, { alarm: live.alarm, at, person: null, kind: 'uncertain', comment })
  }
  if (peak > live.storedPeak * PEAK_STEP) {
    live.storedPeak = peak
    await store.db.updateTable('alarms').set({ peak }).where('id', '=', live.alarm).execute()
  }
  return undefined
}
