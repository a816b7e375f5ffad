/** Runs windows of a table through a model, batch by batch: each window ends at a row, and its score belongs to that row. */
import type { Manifest } from '../manifest.ts'
import { rankTags } from '../ranking.ts'
import { createValues, type ModelSession } from '../session.ts'
import { findSegments, type Rows } from './grid.ts'
import { reportPhase, type TrainRun } from './train-options.ts'

/** Windows per run: enough to hide the call, small enough to stay in the cache. */
const BATCH = 1024
const TOP_TAGS = 3

export interface RowScore {
  score: number
  ratio: number
  /** In the order of the manifest's tags. */
  contributions: Float32Array
  /** The three tags to name, by their place in the manifest, the most telling first. */
  top: number[]
}

export interface Scorer {
  session: ModelSession
  manifest: Manifest
  run: TrainRun
}

/** The last rows of complete windows in [from, to); a row that is not in the table says nothing, so no window ends there. */
export function findEnds(
  rows: Rows,
  { windowRows }: Pick<Manifest, 'windowRows'>,
  { from, to }: { from: number; to: number },
): number[] {
  const ends: number[] = []
  for (const [first, last] of findSegments(rows))
    for (let end = Math.max(first + windowRows - 1, from); end < Math.min(last, to); end++)
      if (rows.missing?.[end] !== 1) ends.push(end)
  return ends
}

export async function scoreWindows(
  { session, manifest, run }: Scorer,
  { rows, ends }: { rows: Rows; ends: readonly number[] },
  tell: (end: number, score: RowScore) => void,
): Promise<void> {
  const { windowRows } = manifest
  const size = windowRows * rows.width
  for (let first = 0; first < ends.length; first += BATCH) {
    await reportPhase(run, 'scoring', (ends[first] ?? 0) / rows.count)
    const batch = ends.slice(first, first + BATCH)
    const input = createValues(manifest, batch.length * size)
    batch.forEach((end, i) => {
      const from = (end - windowRows + 1) * rows.width
      input.set(rows.values.subarray(from, from + size), i * size)
    })
    const { score, ratio, contributions } = await session.run(input, batch.length)
    batch.forEach((end, i) => {
      const own = contributions.slice(i * rows.width, (i + 1) * rows.width)
      const window = input.subarray(i * size, (i + 1) * size)
      const top = rankTags(manifest, { window, contributions: own }).slice(0, TOP_TAGS)
      tell(end, { score: score[i] ?? 0, ratio: ratio[i] ?? 0, contributions: own, top })
    })
  }
}
