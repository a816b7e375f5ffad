/** How often a version of known failures named a case rightly, as its technician closed it later. */
import { foldMode } from '../../models/train/labels.ts'
import type { Store } from '../store/store.ts'

export interface NamedCases {
  /** Closed, useful cases with a named failure, of whose alarm it said something while it was active. */
  cases: number
  right: number
  /** Another name; the rest got none. */
  wrong: number
}

/** By the last that was said of each case's first alarm; in shadow too, since that is what a trial is for. */
export async function readNamedCases({ db }: Store, model: string): Promise<NamedCases> {
  const rows = await db
    .selectFrom('diagnoses')
    .innerJoin('alarms', 'alarms.id', 'diagnoses.alarm')
    .innerJoin('labels', 'labels.case_id', 'alarms.case_id')
    .select(['labels.case_id', 'labels.failure_mode', 'diagnoses.alarm', 'diagnoses.mode'])
    .where('diagnoses.model', '=', model)
    .where('labels.usefulness', '=', 'useful')
    .where('labels.failure_mode', 'is not', null)
    .orderBy('alarms.raised_at')
    .orderBy('diagnoses.id')
    .execute()
  const cases = [...Map.groupBy(rows, ({ case_id }) => case_id).values()]
  const said = cases.flatMap((own) => {
    const last = own.findLast(({ alarm }) => alarm === own[0]?.alarm)
    return last ? [{ was: foldMode(last.failure_mode ?? ''), mode: last.mode }] : []
  })
  const named = said.filter(({ mode }) => mode !== null)
  const right = named.filter(({ was, mode }) => foldMode(mode ?? '') === was).length
  return { cases: said.length, right, wrong: named.length - right }
}
