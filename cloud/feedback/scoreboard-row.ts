/** One line of the scoreboard: how often a version was right, how early, what it missed, what its threshold should be. Pure. */
import { proposeThreshold, type Verdict } from '../../models/train/labels.ts'
import type { ModelVersionView, Scoreboard } from '../../protocol/api-models.ts'
import type { Span, VersionAlarm } from './judged-alarms.ts'

/** An alarm this long before a failure had nothing to do with it. */
const LEAD_MAX_MS = 90 * 86_400_000

export interface Failure {
  case_id: string
  opened_at: number
  failed_at: number | null
}

export interface RowInput {
  model: ModelVersionView
  factor: number
  alarms: readonly VersionAlarm[]
  failures: readonly Failure[]
  /** When the version was active. */
  active: readonly Span[]
}

export function createRow(input: RowInput): Omit<Scoreboard['rows'][number], 'inMaintenance'> {
  const { model, alarms } = input
  const count = (verdict: Verdict) => alarms.filter((one) => one.verdict === verdict).length
  const judged = alarms.filter(({ verdict }) => verdict !== undefined).length
  const useful = count('useful')
  return {
    model,
    alarms: alarms.length,
    useful,
    tooSensitive: count('too-sensitive'),
    noisyData: count('noisy-data'),
    wrongData: count('wrong-data'),
    precision: judged === 0 ? null : useful / judged,
    medianLeadMs: medianLead(input),
    missed: input.failures.filter((failure) => isMissed(failure, input)).length,
    proposal: propose(input),
  }
}

/** From the first alarm of the case to the failure. */
function medianLead({ alarms, failures }: RowInput): number | null {
  const leads = failures.flatMap(({ case_id, failed_at }) => {
    const own = alarms.filter(({ caseId }) => caseId === case_id).map(({ raisedAt }) => raisedAt)
    return failed_at === null || own.length === 0 ? [] : [failed_at - Math.min(...own)]
  })
  const sorted = leads.sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return null
  if (sorted.length % 2 === 1) return sorted[middle] ?? null
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** It was in service when the machine failed, and had said nothing until then. */
function isMissed(
  { case_id, opened_at, failed_at }: Failure,
  { alarms, active }: RowInput,
): boolean {
  const at = failed_at ?? opened_at
  if (!active.some(({ from, to }) => from <= at && at <= to)) return false
  return !alarms.some(
    ({ caseId, raisedAt }) => caseId === case_id && raisedAt <= at && raisedAt >= at - LEAD_MAX_MS,
  )
}

/** Peaks are brought to the threshold as it is now; the answer is a factor on the trained one. */
function propose({ model, factor, alarms }: RowInput): Scoreboard['rows'][number]['proposal'] {
  if (model.threshold === null) return null
  const judged = alarms.flatMap(({ verdict, peak }) =>
    verdict === undefined ? [] : [{ verdict, peak: peak / factor }],
  )
  const found = proposeThreshold(judged)
  if (!found) return null
  return {
    threshold: model.threshold * found.factor,
    factor: factor * found.factor,
    why: found.why,
  }
}
