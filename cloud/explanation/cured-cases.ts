/** Closed cases of one failure mode at like assets of the customer, with what fixed them. */
import { foldMode } from '../../models/train/labels.ts'
import type { FailureView } from '../../protocol/api-explanation.ts'
import { selectLike } from '../store/like-assets.ts'
import type { Store } from '../store/store.ts'
import { type Reader, viewClosed } from './closed-case.ts'

const MAX_SHOWN = 3

/** The newest first; the case that asks is not among them. */
export async function findCured(
  store: Store,
  { asset, mode, not }: { asset: string; mode: string; not: string | null },
  reader: Reader,
): Promise<Pick<FailureView, 'cases' | 'fixed'>> {
  const rows = await store.db
    .selectFrom('labels')
    .innerJoin('cases', 'cases.id', 'labels.case_id')
    .innerJoin('assets', 'assets.id', 'cases.asset')
    .select(['cases.id', 'cases.title', 'cases.closed_at', 'cases.outcome'])
    .select(['cases.site', 'assets.name as asset_name', 'labels.failure_mode', 'labels.part'])
    .where('cases.asset', 'in', selectLike(store, asset))
    .where('cases.state', '=', 'closed')
    .where('labels.usefulness', '=', 'useful')
    .where('labels.failure_mode', 'is not', null)
    .orderBy('cases.closed_at', 'desc')
    .execute()
  const folded = foldMode(mode)
  const found = rows.filter((row) => row.id !== not && foldMode(row.failure_mode ?? '') === folded)
  const all = found.map((row) => ({ ...viewClosed(row, reader), part: row.part }))
  // What was done five times is told once, by the newest case of it that the reader may open.
  const fixed = [...Map.groupBy(all, ({ action }) => foldMode(action)).values()]
    .flatMap((alike) => alike.find((one) => one.case !== null) ?? alike.slice(0, 1))
    .slice(0, MAX_SHOWN)
  return { cases: found.length, fixed }
}
