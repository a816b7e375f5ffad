/** OutOfServiceState (OPC UA Part 9): during planned work the rules of a machine go on, but their alarms ask nobody to act. */
import type { AlarmView } from '../../protocol/api.ts'
import type { Store } from '../store/store.ts'
import { writeEvent } from './alarm-changes.ts'
import type { WorkOn } from './alarm-view.ts'
import type { AlarmChangeEvent } from './shelving.ts'

export interface ServiceParts {
  store: Store
  now(): number
  workOn: WorkOn
  tell(id: string, kind: AlarmChangeEvent['kind']): Promise<AlarmView>
}

interface RuleRef {
  id: string
  asset: string
  site: string
}

/** Which rules are out of service, and the work that keeps each there. */
export interface Service {
  isOut(rule: string): boolean
  /** Marks the rules whose machines are worked on; nobody is told. Enough at a start: who was out comes back at the first review. */
  mark(rules: readonly RuleRef[]): Promise<void>
  /** Takes rules out and brings them back as the work demands, and tells of their open alarms. */
  review(rules: readonly RuleRef[]): Promise<void>
  /** Writes to a new alarm why nobody is called. */
  explain(alarm: string, rule: RuleRef): Promise<void>
}

/** A site has thousands of rules: one statement moves so many. */
const CHUNK = 500

export async function openService({ store, now, workOn, tell }: ServiceParts): Promise<Service> {
  const { db } = store
  const marked = await db
    .selectFrom('alarm_rules')
    .select('id')
    .where('out_of_service', '=', 1)
    .execute()
  const out = new Set(marked.map(({ id }) => id))

  async function setMarks(rules: readonly string[], flag: 0 | 1): Promise<void> {
    const set = db.updateTable('alarm_rules').set({ out_of_service: flag })
    await set.where('id', 'in', rules).execute()
    for (const rule of rules) {
      if (flag === 1) out.add(rule)
      else out.delete(rule)
    }
  }

  const note = (alarm: string, kind: string, comment: string | null) =>
    writeEvent(db, { alarm, at: now(), person: null, kind, comment })

  async function takeOut(rules: readonly RuleRef[]): Promise<void> {
    await setMarks(idsOf(rules), 1)
    for (const alarm of await findOpen(store, idsOf(rules))) {
      await note(alarm.id, 'out-of-service', workOn(alarm)?.text ?? null)
      await tell(alarm.id, 'out-of-service')
    }
  }

  /** Told before the marks go: a stop in between tells it again, and nothing is left behind in silence. */
  async function bringBack(rules: readonly string[]): Promise<void> {
    const open = await findOpen(store, rules)
    for (const { id } of open) await tell(id, 'in-service')
    await setMarks(rules, 0)
    for (const { id } of open) await note(id, 'in-service', null)
  }

  const toMark = (rules: readonly RuleRef[]) =>
    rules.filter((rule) => !out.has(rule.id) && workOn(rule))
  return {
    isOut: (rule) => out.has(rule),
    async mark(rules) {
      for (const chunk of cut(toMark(rules))) await setMarks(idsOf(chunk), 1)
    },
    async review(rules) {
      for (const chunk of cut(toMark(rules))) await takeOut(chunk)
      const back = rules.filter((rule) => out.has(rule.id) && !workOn(rule))
      for (const chunk of cut(idsOf(back))) await bringBack(chunk)
      // A rule that is gone has cleared its alarm; should it come again it begins in service.
      const known = new Set(idsOf(rules))
      for (const chunk of cut([...out].filter((id) => !known.has(id)))) await setMarks(chunk, 0)
    },
    async explain(alarm, rule) {
      const work = workOn(rule)
      if (work) await note(alarm, 'out-of-service', work.text)
    },
  }
}

const idsOf = (rules: readonly RuleRef[]) => rules.map(({ id }) => id)

function cut<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, i) =>
    list.slice(i * CHUNK, (i + 1) * CHUNK),
  )
}

/** Their alarms that are not back to normal, the oldest first. */
async function findOpen({ db }: Store, rules: readonly string[]): Promise<RuleRef[]> {
  return await db
    .selectFrom('alarms')
    .select(['id', 'asset', 'site'])
    .where('rule', 'in', rules)
    .where('state', '<>', 'normal')
    .orderBy('raised_at')
    .execute()
}
