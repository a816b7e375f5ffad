/** Closed cases of like assets of the customer whose alarm looked alike, with what fixed them. */
import type { ContributionView } from '../../protocol/api.ts'
import type { SimilarCase } from '../../protocol/api-explanation.ts'
import { selectLike } from '../store/like-assets.ts'
import type { Store } from '../store/store.ts'
import { type Reader, viewClosed } from './closed-case.ts'
import type { ExplainedAlarm } from './explanation.ts'

/** The newest of a fleet's history; older machines were other machines. */
const MAX_COMPARED = 500
const MAX_SHOWN = 5
/** Less alike than this is another story. */
const LEAST_SIMILARITY = 0.5
/** Beyond this a deviation is simply large: one wild sensor must not be the whole picture. */
const LARGE = 10

type Picture = ReadonlyMap<string, number>

/** The most alike first; each case once, by its alarm that is most alike. */
export async function findSimilarCases(
  store: Store,
  alarm: Pick<ExplainedAlarm, 'id' | 'asset' | 'contributions'>,
  reader: Reader,
): Promise<SimilarCase[]> {
  const rows = await store.db
    .selectFrom('alarms')
    .innerJoin('cases', 'cases.id', 'alarms.case_id')
    .innerJoin('assets', 'assets.id', 'cases.asset')
    .select(['cases.id', 'cases.title', 'cases.closed_at', 'cases.outcome', 'alarms.contributions'])
    .select(['cases.site', 'assets.name as asset_name'])
    .where('cases.asset', 'in', selectLike(store, alarm.asset))
    .where('cases.state', '=', 'closed')
    .where('alarms.id', '<>', alarm.id)
    .orderBy('cases.closed_at', 'desc')
    .limit(MAX_COMPARED)
    .execute()
  const picture = draw(alarm.contributions)
  const best = new Map<string, SimilarCase>()
  for (const row of rows) {
    const similarity = compare(picture, draw(JSON.parse(row.contributions)))
    if (similarity < Math.max(LEAST_SIMILARITY, best.get(row.id)?.similarity ?? 0)) continue
    const { usefulness = '' } = JSON.parse(row.outcome ?? '{}')
    best.set(row.id, { ...viewClosed(row, reader), usefulness, similarity })
  }
  return [...best.values()].sort((a, b) => b.similarity - a.similarity).slice(0, MAX_SHOWN)
}

function draw(contributions: readonly ContributionView[]): Picture {
  return new Map(contributions.map(({ name, z }) => [name, Math.max(-LARGE, Math.min(LARGE, z))]))
}

/** The cosine of the two pictures by tag name; what points the other way is not alike at all. */
function compare(one: Picture, other: Picture): number {
  let dot = 0
  for (const [name, z] of one) dot += z * (other.get(name) ?? 0)
  const length = (picture: Picture) =>
    Math.sqrt([...picture.values()].reduce((sum, z) => sum + z * z, 0))
  const both = length(one) * length(other)
  return both === 0 ? 0 : Math.min(1, Math.max(0, dot / both))
}
