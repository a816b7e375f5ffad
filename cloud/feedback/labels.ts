/** A label is what a closed or dismissed case says: was its alarm of use, how did the machine fail, why, which part. */
import type { Store } from '../store/store.ts'

/** The outcome as `cases` keeps it: of a closing or of a dismissal. */
interface Outcome {
  usefulness: string
  cause?: string
  failureMode?: string
  part?: string
  failedAt?: number
}

/** Written when the case ends, once; a case without outcome says nothing. */
export async function writeLabel({ db }: Store, caseId: string): Promise<void> {
  const row = await db
    .selectFrom('cases')
    .select(['asset', 'site', 'closed_at', 'outcome'])
    .where('id', '=', caseId)
    .executeTakeFirst()
  if (!row?.outcome || row.closed_at === null) return
  const said = JSON.parse(row.outcome) as Outcome
  const label = {
    ...{ asset: row.asset, site: row.site, at: row.closed_at, usefulness: said.usefulness },
    failure_mode: said.failureMode ?? null,
    cause: said.cause ?? null,
    part: said.part ?? null,
    failed_at: said.failedAt ?? null,
  }
  await db
    .insertInto('labels')
    .values({ case_id: caseId, ...label })
    .onConflict((conflict) => conflict.column('case_id').doUpdateSet(label))
    .execute()
}
