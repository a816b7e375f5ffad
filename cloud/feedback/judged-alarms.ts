/** The alarms of one version with what people said about them, and when the version was in service at which threshold. */
import { type Verdict, verdicts } from '../../models/train/labels.ts'
import { type PlannedWork, passWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'

export interface VersionAlarm {
  caseId: string | null
  raisedAt: number
  /** Largest ratio to the trained threshold. */
  peak: number
  /** Undefined: nobody has judged it yet. */
  verdict: Verdict | undefined
  failedAt: number | null
}

export interface Span {
  from: number
  /** Infinity: still. */
  to: number
}

/** The factor on the threshold from an instant on. */
export interface FactorChange {
  at: number
  from: number
  to: number
}

export interface JudgedAlarms {
  /** One that outlasted the maintenance it came in is raised at its end. */
  alarms: VersionAlarm[]
  /** How many came and went in planned maintenance, or are in it now: they say nothing of the model. */
  inMaintenance: number
}

export interface AlarmQuery {
  model: string
  factors: readonly FactorChange[]
  /** Planned maintenance of its asset. */
  works: readonly PlannedWork[]
  now: number
}

export async function readJudgedAlarms(
  { db }: Store,
  { model, factors, works, now }: AlarmQuery,
): Promise<JudgedAlarms> {
  const rows = await db
    .selectFrom('alarms')
    .leftJoin('labels', 'labels.case_id', 'alarms.case_id')
    .select(['alarms.case_id', 'raised_at', 'cleared_at', 'peak', 'usefulness', 'failed_at'])
    .where('alarms.model', '=', model)
    .orderBy('raised_at')
    .execute()
  const alarms = rows.flatMap((row): VersionAlarm[] => {
    const { case_id, raised_at, cleared_at, peak, usefulness, failed_at } = row
    const raisedAt = passWork(works, raised_at)
    if (raisedAt > raised_at && (cleared_at ?? now) <= raisedAt) return []
    return [
      {
        ...{ caseId: case_id, raisedAt, failedAt: failed_at },
        peak: (peak ?? 0) * factorAt(factors, raised_at),
        verdict: verdicts.find((one) => one === usefulness),
      },
    ]
  })
  return { alarms, inMaintenance: rows.length - alarms.length }
}

/** What the threshold was multiplied with when the alarm was raised. */
function factorAt(factors: readonly FactorChange[], at: number): number {
  const last = factors.findLast((change) => change.at <= at)
  return last?.to ?? factors[0]?.from ?? 1
}

/** When it was active, and how its threshold was changed. */
export async function readService({ db }: Store, model: string) {
  const rows = await db
    .selectFrom('model_events')
    .select(['at', 'kind', 'detail'])
    .where('model', '=', model)
    .orderBy('id')
    .execute()
  const active: Span[] = []
  const factors: FactorChange[] = []
  for (const { at, kind, detail: text } of rows) {
    const detail = JSON.parse(text)
    if (kind === 'threshold') factors.push({ at, from: detail.from, to: detail.to })
    const stage = kind === 'registered' ? detail.stage : kind === 'stage' ? detail.to : undefined
    if (stage === undefined) continue
    const last = active.at(-1)
    if (stage === 'active') active.push({ from: at, to: Number.POSITIVE_INFINITY })
    else if (last?.to === Number.POSITIVE_INFINITY) last.to = at
  }
  return { active, factors }
}
