/** Notices once that an asset's live values come in coarser steps than those its model learned from; it changes nothing itself. */
import type { Values } from '../../models/session.ts'
import type { Steps } from '../../models/train/live-step.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { KeptRows, WatchedFile } from './kept-rows.ts'

/** Looked at after the first minutes, and again when the most is known; later rows say nothing new. */
const LOOK_AT_ROWS = [128, 1024]

export interface LiveSteps {
  /** One grid row, NaN where a value is not known. */
  accept(row: Values): void
  /** By tag name, in the tag's own unit; {}: none is coarser; undefined: not looked at yet. */
  found(): Steps | undefined
}

export interface LiveStepsOptions {
  model: WatchedFile
  about: { asset: string; model: string }
  keptRows: Pick<KeptRows, 'findSteps'>
  log: Log
}

/** Keeps the first rows only, and none for a model whose training rows are not kept. */
export function createLiveSteps({ model, about, keptRows, log }: LiveStepsOptions): LiveSteps {
  const last = model.normal ? Math.max(...LOOK_AT_ROWS) : 0
  const rows: Values[] = []
  let isDone = last === 0
  let found: Steps | undefined = isDone ? {} : undefined

  async function look(): Promise<void> {
    const steps = await keptRows.findSteps(model, rows.slice())
    const before = found ?? {}
    const isNews = Object.keys(steps).some((name) => !(name in before))
    found = { ...before, ...steps }
    if (isNews) log.warn({ ...about, steps }, 'live values are coarser than the training')
    if (isDone) rows.length = 0
  }

  return {
    accept(row) {
      // Before the first sample of all there is nothing to see.
      if (isDone || (rows.length === 0 && row.every(Number.isNaN))) return
      rows.push(row)
      isDone = rows.length >= last
      if (LOOK_AT_ROWS.includes(rows.length)) void look()
    },
    found: () => found,
  }
}
