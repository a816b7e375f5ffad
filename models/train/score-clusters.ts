/** The second look at windows that have a score: the model of a window's phase may only speak louder, never softer. */
import { findCluster } from '../clusters.ts'
import { createValues, openSession } from '../session.ts'
import type { Rows } from './grid.ts'
import type { ScoredModel } from './score-table.ts'
import { type RowScore, scoreWindows } from './score-windows.ts'
import type { TrainRun } from './train-options.ts'

interface Looked {
  rows: Rows
  /** By row; replaced where a phase's model finds more. */
  scores: (RowScore | undefined)[]
  /** Rows before this one: later ones stand in steps that the phases' models do not know. */
  to: number
}

export async function scoreClusters(
  { manifest, clusters = [] }: ScoredModel,
  { rows, scores, to }: Looked,
  run: TrainRun,
): Promise<void> {
  if (clusters.length === 0) return
  const endsOf = clusters.map((): number[] => [])
  const size = manifest.windowRows * rows.width
  for (let end = 0; end < to; end++) {
    if (!scores[end]) continue
    // What live scoring sees: the same values, as narrow as there, choose the same phase.
    const last = (end + 1) * rows.width
    const window = createValues(manifest, size)
    window.set(rows.values.subarray(last - size, last))
    endsOf[findCluster(manifest, window)]?.push(end)
  }
  for (const [place, model] of clusters.entries()) {
    await using session = await openSession(model.bytes, model.manifest)
    const windows = { rows, ends: endsOf[place] ?? [] }
    await scoreWindows({ session, manifest: model.manifest, run }, windows, (end, own) => {
      if (own.ratio > (scores[end]?.ratio ?? 0)) scores[end] = own
    })
  }
}
