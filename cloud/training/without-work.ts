/** Normal periods without the planned maintenance in them: whoever chose them, a machine that is worked on is in no normal operation. */
import type { Period } from '../../protocol/api-models.ts'
import { type PlannedWork, readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'
import { mergePeriods } from './history.ts'
import { notTrainable } from './proposal.ts'

export interface UsablePeriods {
  periods: Period[]
  /** What was cut out of them. */
  work: PlannedWork[]
}

/** Throws Fault 'model.not-trainable' when nothing is left. */
export async function leaveWorkOut(
  store: Pick<Store, 'db'>,
  asset: { id: string; site: string },
  wanted: readonly Period[],
): Promise<UsablePeriods> {
  const known = await readPlannedWork(store, { asset: asset.id, site: asset.site })
  const work = known.filter((one) => wanted.some(({ from, to }) => one.from <= to && one.to > from))
  const periods = cutWork(wanted, work)
  if (periods.length === 0 && work.length > 0)
    throw notTrainable(asset, 'its periods lie wholly in planned maintenance')
  return { periods, work }
}

/** In order of time; the instant at which the work ends belongs to no work. */
export function cutWork(periods: readonly Period[], works: readonly Period[]): Period[] {
  let left = mergePeriods(periods)
  for (const work of works)
    left = left.flatMap(({ from, to }) => {
      if (work.from > to || work.to <= from) return [{ from, to }]
      const pieces = [
        { from, to: work.from - 1 },
        { from: work.to, to },
      ]
      return pieces.filter((piece) => piece.to > piece.from)
    })
  return left
}
