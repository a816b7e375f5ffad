/** The rows of training jobs: queued, running, and how they ended. */
import type { Selectable } from 'kysely'
import type { BackTest, TrainingJobView } from '../../protocol/api-models.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export type JobRow = Selectable<Schema['training_jobs']>

export function viewJob(row: JobRow): TrainingJobView {
  return {
    id: row.id,
    asset: row.asset,
    state: row.state,
    phase: row.phase,
    progress: row.progress,
    requestedAt: row.requested_at,
    requestedBy: row.requested_by,
    endedAt: row.ended_at,
    problem: row.problem,
    model: row.model,
    backTest: row.back_test === null ? null : (JSON.parse(row.back_test) as BackTest),
  }
}

export async function findJob({ db }: Store, id: string): Promise<JobRow | undefined> {
  return await db.selectFrom('training_jobs').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The newest job of an asset. */
export async function findNewestJob({ db }: Store, asset: string): Promise<JobRow | undefined> {
  return await db
    .selectFrom('training_jobs')
    .selectAll()
    .where('asset', '=', asset)
    .orderBy('requested_at', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Queued and running ones, the oldest first. */
export async function listWaiting({ db }: Store): Promise<JobRow[]> {
  return await db
    .selectFrom('training_jobs')
    .selectAll()
    .where('state', 'in', ['queued', 'running'])
    .orderBy('requested_at')
    .execute()
}

export async function changeJob(
  { db }: Store,
  id: string,
  change: Partial<Omit<JobRow, 'id'>>,
): Promise<void> {
  await db.updateTable('training_jobs').set(change).where('id', '=', id).execute()
}

/** One that has ended meanwhile stays as it is. */
export async function cancelOpenJob({ db }: Store, id: string, at: number): Promise<void> {
  await db
    .updateTable('training_jobs')
    .set({ state: 'cancelled', ended_at: at })
    .where('id', '=', id)
    .where('state', 'in', ['queued', 'running'])
    .execute()
}

/** What a stop of the cloud left behind will not go on by itself. */
export async function failUnfinished({ db }: Store, at: number): Promise<void> {
  const problem = 'The cloud was restarted before it was done; start it again.'
  await db
    .updateTable('training_jobs')
    .set({ state: 'failed', ended_at: at, problem })
    .where('state', 'in', ['queued', 'running'])
    .execute()
}

/** Nothing runs just now: a row that says otherwise could not be written when its job ended. */
export async function failAbandoned({ db }: Store, at: number): Promise<void> {
  const problem = 'How it ended could not be written down; start it again.'
  await db
    .updateTable('training_jobs')
    .set({ state: 'failed', ended_at: at, problem })
    .where('state', '=', 'running')
    .execute()
}
