/** When planned work was done on a machine: whoever learns from its history, or judges by it, leaves that time out. */
import type { Store } from './store.ts'

export interface PlannedWork {
  from: number
  /** When it ended; of work that still runs when it is planned to end. */
  to: number
  text: string
}

export interface WorkQuery {
  asset: string
  site: string
  /** Left out: since ever, and for ever. */
  from?: number
  to?: number
}

/** Work on the asset or on its whole site that was begun and overlaps the span, in order of time. What is only planned counts nowhere. */
export async function readPlannedWork(
  { db }: Pick<Store, 'db'>,
  { asset, site, from = 0, to = Number.MAX_SAFE_INTEGER }: WorkQuery,
): Promise<PlannedWork[]> {
  const rows = await db
    .selectFrom('maintenance_windows')
    .select(['from_at', 'to_at', 'ended_at', 'text'])
    .where('site', '=', site)
    .where(({ eb, or }) => or([eb('asset', 'is', null), eb('asset', '=', asset)]))
    .where('state', 'in', ['running', 'over'])
    .where('from_at', '<=', to)
    .where('to_at', '>=', from)
    .orderBy('from_at')
    .orderBy('id')
    .execute()
  return rows
    .map(({ from_at, to_at, ended_at, text }) => ({ from: from_at, to: ended_at ?? to_at, text }))
    .filter((work) => work.to > work.from && work.to >= from)
}

/** The first work in which the instant lies. */
export function findWork<Work extends { from: number; to: number }>(
  works: readonly Work[],
  at: number,
): Work | undefined {
  return works.find(({ from, to }) => from <= at && at < to)
}

/** The first instant from this one on at which nothing is being done: works may follow on one another, or overlap. */
export function passWork(works: readonly { from: number; to: number }[], at: number): number {
  let free = at
  for (let work = findWork(works, free); work; work = findWork(works, free)) free = work.to
  return free
}
