/** Which training jobs, with their back-tests, nobody needs any more: ended, followed by enough newer ones, and without a version. */
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import type { JobRow } from './job-rows.ts'

/** The newest so many of an asset are kept: a back-test is some tens of KB. */
export const KEPT_JOBS = 20
/** Variables of one statement: SQLite takes 32,766, older builds 999. */
const MOST_AT_ONCE = 500

export interface EndedJob extends Pick<JobRow, 'id' | 'asset' | 'site' | 'requested_by'> {
  /** What came out of it is still in the registry. */
  hasVersion: boolean
}

/** `newestFirst`: of any assets. The last job of each who asked stays: by it they know when they asked last. */
export function findObsoleteJobs(
  newestFirst: readonly EndedJob[],
  keepJobs = KEPT_JOBS,
): EndedJob[] {
  const byAsset = Map.groupBy(newestFirst, ({ asset }) => asset)
  return [...byAsset.values()].flatMap((own) => {
    const last = new Map(own.toReversed().map((job) => [job.requested_by, job]))
    return own
      .slice(keepJobs)
      .filter((job) => !job.hasVersion && last.get(job.requested_by) !== job)
  })
}

/** Answers how many were removed; an entry of the audit for each asset. */
export async function removeObsoleteJobs(
  { db }: Store,
  audit: Audit,
  keepJobs = KEPT_JOBS,
): Promise<number> {
  const rows = await db
    .selectFrom('training_jobs')
    .leftJoin('models', 'models.id', 'training_jobs.model')
    .select(['training_jobs.id', 'training_jobs.asset', 'training_jobs.site', 'requested_by'])
    .select('models.id as version')
    .where('state', 'not in', ['queued', 'running'])
    .orderBy('requested_at', 'desc')
    .execute()
  const ended = rows.map(({ version, ...job }) => ({ ...job, hasVersion: version !== null }))
  const obsolete = findObsoleteJobs(ended, keepJobs)
  for (const [asset, own] of Map.groupBy(obsolete, (job) => job.asset)) {
    const ids = own.map(({ id }) => id)
    for (let at = 0; at < ids.length; at += MOST_AT_ONCE)
      await db
        .deleteFrom('training_jobs')
        .where('id', 'in', ids.slice(at, at + MOST_AT_ONCE))
        .execute()
    await audit.append({
      ...{ actor: 'retention', action: 'model.train.remove', object: asset },
      ...{ site: own[0]?.site, outcome: 'done', detail: { jobs: ids.length } },
    })
  }
  return obsolete.length
}
