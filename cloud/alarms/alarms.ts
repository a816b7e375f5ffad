/** The alarms of all assets: fed with samples, acknowledged and shelved by persons, kept in the store. */
import type { AlarmView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Sample } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { acknowledgeAlarm, clearAlarm } from './alarm-changes.ts'
import { type AlarmRule, changedRules, writeRules } from './alarm-rule.ts'
import { type AlarmQuery, type Cause, readAlarms, type WorkOn } from './alarm-view.ts'
import { applyLive, type LiveAlarm, listActive, restoreLive } from './live-alarm.ts'
import { openService } from './out-of-service.ts'
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
  /** Planned work takes the rules of its machine out of service; left out: there is none. */
  workOn?: WorkOn
  /** Unix ms. */
  now?(): number
  /** Awaited, in order; a failure of it is the caller's. */
  onChange(event: AlarmChangeEvent): void | Promise<void>
}

export interface Alarms {
  /** Live samples, any tags; `cause` tells why a value of a model is what it is. */
  accept(samples: readonly Sample[], cause?: Cause): Promise<void>
  /** From now on these rules; an alarm of a rule that is gone clears. Shelving stays with the rule's id. */
  setRules(rules: readonly AlarmRule[]): Promise<void>
  list(query: AlarmQuery): Promise<AlarmView[]>
  get(id: string): Promise<AlarmView | undefined>
  acknowledge(actor: Person, id: string, comment?: string): Promise<AlarmView>
  /** Shelves the alarm's rule (OPC UA TimedShelve): it goes on, but opens no case until it is back. */
  shelve(actor: Person, id: string, how: { minutes: number; reason: string }): Promise<AlarmView>
  unshelve(actor: Person, id: string): Promise<AlarmView>
  attachCase(id: string, caseId: string): Promise<void>
  /** Planned work has begun or ended somewhere: what it takes out of service goes, what is in service again is told. */
  reviewService(): Promise<void>
  /** Ends shelvings whose time is over, and does what `reviewService` does; call it every second or so. */
  tick(now: number): Promise<void>
}

const NO_CAUSE: Cause = { contributions: [], breaches: [] }

export async function openAlarms(options: AlarmsOptions): Promise<Alarms> {
  const { store, audit, now = Date.now, onChange, workOn = () => undefined } = options
  /** By the tag that the rule looks at. */
  let lives = new Map<string, LiveAlarm>()
  // One change at a time: a clear must not overtake the raise it belongs to.
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work)
    tail = done.catch(() => undefined)
    return done
  }
  const get = async (id: string) => (await readAlarms(store, { state: 'all', id }, workOn))[0]

  async function tell(id: string, kind: AlarmChangeEvent['kind']): Promise<AlarmView> {
    const alarm = await get(id)
    if (!alarm) throw new Fault('object.missing', { id })
    const rule = [...lives.values()].find((live) => live.rule.id === alarm.rule)?.rule
    await onChange({ alarm, kind, opensCase: rule?.opensCase ?? true })
    return alarm
  }

  async function setRules(rules: readonly AlarmRule[]): Promise<void> {
    const before = new Map([...lives.values()].map((live) => [live.rule.id, live]))
    await writeRules(store, changedRules(rules, before))
    const after = new Map<string, LiveAlarm>()
    for (const rule of rules) {
      const known = before.get(rule.id)
      before.delete(rule.id)
      after.set(rule.tag, known ? { ...known, rule } : await restoreLive(store, rule))
    }
    lives = after
    for (const { rule, alarm, memory } of before.values()) {
      if (alarm === undefined || !memory.persistence.active) continue
      await endAlarm(alarm, memory.persistence.peak * rule.highLimit)
    }
  }

  async function endAlarm(alarm: string, peak: number): Promise<void> {
    const comment = 'Its rule is not in service any more.'
    await clearAlarm(store, alarm, { at: now(), peak, comment })
    await tell(alarm, 'cleared')
  }

  /** Whose rule went while nobody was there: it would be active for ever. */
  async function endForgotten(rules: readonly AlarmRule[]): Promise<void> {
    const known = new Set(rules.map(({ id }) => id))
    for (const { id, rule, peak } of await listActive(store))
      if (!known.has(rule)) await endAlarm(id, peak ?? 0)
  }
  const service = await openService({ store, now, workOn, tell })
  const rulesNow = () => [...lives.values()].map(({ rule }) => rule)
  await setRules(options.rules)
  await endForgotten(options.rules)
  await service.mark(rulesNow())

  const shelving: ShelvingParts = { store, audit, now, tell }

  return {
    accept: (samples, cause = NO_CAUSE) =>
      inTurn(async () => {
        for (const sample of samples) {
          const live = lives.get(sample.tag)
          // History that arrives late never raises nor clears.
          if (!live || now() - sample.at > live.rule.maxHoleMs) continue
          const kind = await applyLive(store, live, { sample, cause })
          if (!kind || !live.alarm) continue
          if (kind === 'raised' && service.isOut(live.rule.id))
            await service.explain(live.alarm, live.rule)
          await tell(live.alarm, kind)
        }
      }),
    setRules: (rules) =>
      inTurn(async () => {
        await setRules(rules)
        await service.review(rulesNow())
      }),
    list: (query) => readAlarms(store, query, workOn),
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
    reviewService: () => inTurn(() => service.review(rulesNow())),
    tick: (at) =>
      inTurn(async () => {
        await expireShelvings(shelving, at)
        await service.review(rulesNow())
      }),
  }
}
