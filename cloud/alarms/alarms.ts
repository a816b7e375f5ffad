/** The alarms of all assets: fed with samples, acknowledged and shelved by persons, kept in the store. */
import type { AlarmView, ContributionView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Sample } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { type AlarmMemory, applySample, initialAlarm, MAX_HOLE_MS } from './alarm.ts'
import { acknowledgeAlarm, clearAlarm, raiseAlarm, writeEvent } from './alarm-changes.ts'
import { type AlarmRule, writeRules } from './alarm-rule.ts'
import { type AlarmQuery, readAlarms } from './alarm-view.ts'
import {
  type AlarmChangeEvent,
  expireShelvings,
  type Person,
  type ShelvingParts,
  shelveAlarm,
  unshelveAlarm,
} from './shelving.ts'

export interface AlarmsOptions {
  store: Store
  audit: Audit
  rules: readonly AlarmRule[]
  /** Unix ms. */
  now?(): number
  /** Awaited, in order; a failure of it is the caller's. */
  onChange(event: AlarmChangeEvent): void | Promise<void>
}

export interface Alarms {
  /** Live samples, any tags; `contributionsOf` tells which tags made the score of an asset. */
  accept(
    samples: readonly Sample[],
    contributionsOf?: (asset: string) => readonly ContributionView[],
  ): Promise<void>
  list(query: AlarmQuery): Promise<AlarmView[]>
  get(id: string): Promise<AlarmView | undefined>
  acknowledge(actor: Person, id: string, comment?: string): Promise<AlarmView>
  /** Shelves the alarm's rule (OPC UA TimedShelve): it goes on, but opens no case until it is back. */
  shelve(actor: Person, id: string, how: { minutes: number; reason: string }): Promise<AlarmView>
  unshelve(actor: Person, id: string): Promise<AlarmView>
  attachCase(id: string, caseId: string): Promise<void>
  /** Ends shelvings whose time is over; call it every second or so. */
  tick(now: number): Promise<void>
}

/** A sample this old is history that arrives late: it never raises nor clears. */
const LIVE_MS = MAX_HOLE_MS
/** The peak is written down when it has grown by this factor: one write per sample would be a waste. */
const PEAK_STEP = 1.05

interface Live {
  rule: AlarmRule
  memory: AlarmMemory
  /** The open occurrence. */
  alarm: string | undefined
  storedPeak: number
}

export async function openAlarms(options: AlarmsOptions): Promise<Alarms> {
  const { store, audit, rules, now = Date.now, onChange } = options
  await writeRules(store, rules)
  const lives = new Map<string, Live>()
  for (const rule of rules) lives.set(rule.tag, await restore(store, rule))
  // One change at a time: a clear must not overtake the raise it belongs to.
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work)
    tail = done.catch(() => undefined)
    return done
  }
  const get = async (id: string) => (await readAlarms(store, { state: 'all', id }))[0]

  async function tell(id: string, kind: AlarmChangeEvent['kind']): Promise<AlarmView> {
    const alarm = await get(id)
    if (!alarm) throw new Fault('object.missing', { id })
    await onChange({ alarm, kind })
    return alarm
  }

  const shelving: ShelvingParts = { store, audit, now, tell }

  return {
    accept: (samples, contributionsOf = () => []) =>
      inTurn(async () => {
        for (const sample of samples) {
          const live = lives.get(sample.tag)
          if (!live || now() - sample.at > LIVE_MS) continue
          const kind = await applyLive(store, live, { sample, contributionsOf })
          if (kind && live.alarm) await tell(live.alarm, kind)
        }
      }),
    list: (query) => readAlarms(store, query),
    get,
    acknowledge: (actor, id, comment) =>
      inTurn(async () => {
        const said = comment ?? null
        await acknowledgeAlarm(store, { alarm: id, at: now(), person: actor.id, comment: said })
        const alarm = await tell(id, 'acknowledged')
        const { login } = actor
        const detail = { comment }
        await audit.append({
          ...{ actor: login, action: 'alarm.acknowledge', object: id, site: alarm.site },
          ...{ outcome: 'done', detail },
        })
        return alarm
      }),
    shelve: (actor, id, how) => inTurn(() => shelveAlarm(shelving, actor, { id, ...how })),
    unshelve: (actor, id) => inTurn(() => unshelveAlarm(shelving, actor, id)),
    async attachCase(id, caseId) {
      const set = store.db.updateTable('alarms').set({ case_id: caseId })
      await set.where('id', '=', id).execute()
    },
    tick: (at) => inTurn(() => expireShelvings(shelving, at)),
  }
}

/** Takes up where the last run stopped: an active alarm is still active, its timers start afresh. */
async function restore(store: Store, rule: AlarmRule): Promise<Live> {
  const open = await store.db
    .selectFrom('alarms')
    .select(['id', 'state', 'peak'])
    .where('rule', '=', rule.id)
    .where('state', '<>', 'normal')
    .executeTakeFirst()
  const peak = open?.peak ?? 0
  const active = open?.state.startsWith('active') ?? false
  const memory = { ...initialAlarm(rule), active, peak: active ? peak : 0 }
  return { rule, memory, alarm: open?.id, storedPeak: peak }
}

interface LiveInput {
  sample: Sample
  contributionsOf: (asset: string) => readonly ContributionView[]
}

async function applyLive(
  store: Store,
  live: Live,
  { sample, contributionsOf }: LiveInput,
): Promise<'raised' | 'cleared' | undefined> {
  const before = live.memory
  const { memory, change } = applySample(before, sample, live.rule)
  live.memory = memory
  const { at } = sample
  if (change === 'activate') {
    const contributions = contributionsOf(live.rule.asset)
    live.alarm = await raiseAlarm(store, live.rule, { at, peak: memory.peak, contributions })
    live.storedPeak = memory.peak
    return 'raised'
  }
  if (!live.alarm || !before.active) return undefined
  if (change === 'clear') {
    await clearAlarm(store, live.alarm, { at, peak: before.peak })
    return 'cleared'
  }
  if (memory.uncertain && !before.uncertain) {
    const comment = 'The value is not known: the alarm neither clears nor is confirmed.'
    await writeEvent(store.db, { alarm: live.alarm, at, person: null, kind: 'uncertain', comment })
  }
  if (memory.peak > live.storedPeak * PEAK_STEP) {
    live.storedPeak = memory.peak
    const set = store.db.updateTable('alarms').set({ peak: memory.peak })
    await set.where('id', '=', live.alarm).execute()
  }
  return undefined
}
