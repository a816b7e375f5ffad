/** What was said of an alarm at the time, row by row: evidence that a later, better model does not overwrite. */
import type { FailureView } from '../../protocol/api-explanation.ts'
import type { Store } from '../store/store.ts'
import type { FailureModel, Saying } from './diagnosis.ts'

/** A change of probability below this is no news. */
const LEAST_CHANGE = 0.1
/** An alarm about which more was said is one about which nothing is known. */
const MAX_SAYINGS = 20

export interface DiagnosedAlarm {
  id: string
  asset: string
  site: string
  caseId: string | null
  raisedAt: number
  clearedAt: number | null
}

interface Detail {
  candidates: FailureView['candidates']
  reason: string | null
  /** Of the model; kept here, because a version may be deleted one day. */
  version: number
  sha256: string
  windows: number
}

/** Writes it down when it is another than the last one; answers whether it was. */
export async function keepSaying(
  { db }: Store,
  {
    alarm,
    model,
    saying,
    at,
  }: { alarm: DiagnosedAlarm; model: FailureModel; saying: Saying; at: number },
): Promise<boolean> {
  const before = await db
    .selectFrom('diagnoses')
    .select(['state', 'mode', 'probability', 'stage'])
    .where('alarm', '=', alarm.id)
    .where('model', '=', model.id)
    .orderBy('id')
    .execute()
  const last = before.at(-1)
  const { state, mode, probability, candidates, reason, windows } = saying
  const moved = Math.abs((probability ?? 0) - (last?.probability ?? 0))
  // Put on trial or in use meanwhile: what nobody was told is news.
  const isHeard = last?.stage === model.stage
  const isSame = isHeard && last.state === state && last.mode === mode && moved < LEAST_CHANGE
  if (isSame || before.length >= MAX_SAYINGS) return false
  const { version, sha256 } = model
  const detail: Detail = { candidates, reason, version, sha256, windows }
  await db
    .insertInto('diagnoses')
    .values({
      ...{ alarm: alarm.id, asset: alarm.asset, site: alarm.site, model: model.id },
      ...{ stage: model.stage, at, state, mode, probability, detail: JSON.stringify(detail) },
    })
    .execute()
  return true
}

type Recorded = Omit<FailureView, 'cases' | 'fixed'>

/** By each version that spoke, in use before on trial; what a version in shadow thought is not told. */
export async function readSayings({ db }: Store, alarm: string): Promise<Recorded[]> {
  const rows = await db
    .selectFrom('diagnoses')
    .select(['model', 'stage', 'at', 'state', 'mode', 'probability', 'detail'])
    .where('alarm', '=', alarm)
    .where('stage', 'in', ['active', 'canary'])
    .orderBy('id')
    .execute()
  const views = [...Map.groupBy(rows, ({ model }) => model).values()].flatMap((own): Recorded[] => {
    const last = own.at(-1)
    if (!last) return []
    const { detail: text, ...row } = last
    const { candidates, reason, version } = JSON.parse(text) as Detail
    const earlier = own.slice(0, -1).map(({ at, state, mode, probability }) => {
      return { at, state, mode, probability }
    })
    return [{ ...row, version, candidates, reason, recorded: true, earlier }]
  })
  return views.sort((a, b) => (a.stage < b.stage ? -1 : a.stage > b.stage ? 1 : b.at - a.at))
}

/** Alarms that open cases, active now or until just now; one that is out of service asks nobody. */
export async function listActive({ db }: Store, since: number): Promise<DiagnosedAlarm[]> {
  const rows = await db
    .selectFrom('alarms')
    .innerJoin('alarm_rules', 'alarm_rules.id', 'alarms.rule')
    .select(['alarms.id', 'alarms.asset', 'alarms.site', 'case_id', 'raised_at', 'cleared_at'])
    .where('opens_case', '=', 1)
    .where('out_of_service', '=', 0)
    .where((or) => or.or([or('cleared_at', 'is', null), or('cleared_at', '>', since)]))
    .execute()
  return rows.map(toAlarm)
}

export async function findAlarm({ db }: Store, id: string): Promise<DiagnosedAlarm | undefined> {
  const row = await db
    .selectFrom('alarms')
    .select(['id', 'asset', 'site', 'case_id', 'raised_at', 'cleared_at'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toAlarm(row)
}

function toAlarm(row: {
  id: string
  asset: string
  site: string
  case_id: string | null
  raised_at: number
  cleared_at: number | null
}): DiagnosedAlarm {
  const { case_id, raised_at, cleared_at, ...same } = row
  return { ...same, caseId: case_id, raisedAt: raised_at, clearedAt: cleared_at }
}
