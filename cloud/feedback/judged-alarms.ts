/** The alarms of one version with what people said about them, and when the version was in service at which threshold. */
import { type Verdict, verdicts } from '../../models/train/labels.ts'
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

export async function readJudgedAlarms(
  { db }: Store,
  model: string,
  factors: readonly FactorChange[],
): Promise<VersionAlarm[]> {
  const rows = await db
    .selectFrom('alarms')
    .leftJoin('labels', 'labels.case_id', 'alarms.case_id')
    .select(['alarms.case_id', 'raised_at', 'peak', 'usefulness', 'failed_at'])
    .where('alarms.model', '=', model)
    .orderBy('raised_at')
    .execute()
  return rows.map(({ case_id, raised_at, peak, usefulness, failed_at }) => ({
    caseId: case_id,
    raisedAt: raised_at,
    peak: (peak ?? 0) * factorAt(factors, raised_at),
    verdict: verdicts.find((one) => one === usefulness),
    failedAt: failed_at,
  }))
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
