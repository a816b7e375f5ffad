/** Runs the minutes before an alarm through the model again: which tag left first what the others let expect. */
import type { Manifest } from '../../models/manifest.ts'
import { type Batch, createValues, type Values } from '../../models/session.ts'
import { findMovedFirst, type MovedTag } from '../../models/train/moved-first.ts'
import type { PastRows } from './explanation.ts'

export interface Traced {
  moved: MovedTag[]
  /** The newest complete window, `[T, p]`. */
  last: Values
}

type Run = (windows: Values, batch: number) => Promise<Batch>

/** Undefined where no window is complete. */
export async function traceContributions(
  manifest: Manifest,
  { at, values }: PastRows,
  run: Run,
): Promise<Traced | undefined> {
  const { tags, windowRows } = manifest
  const width = tags.length
  const size = windowRows * width
  const ends: number[] = []
  for (let end = windowRows - 1; end < at.length; end++)
    if (!values.subarray((end - windowRows + 1) * width, (end + 1) * width).some(Number.isNaN))
      ends.push(end)
  const newest = ends.at(-1)
  if (newest === undefined) return undefined
  const windows = createValues(manifest, ends.length * size)
  ends.forEach((end, i) => {
    windows.set(values.subarray((end - windowRows + 1) * width, (end + 1) * width), i * size)
  })
  // The model thread may take over what it is given.
  const last = windows.slice((ends.length - 1) * size)
  const { contributions } = await run(windows, ends.length)
  const moved = findMovedFirst({
    at: ends.map((end) => at[end] ?? 0),
    names: tags.map(({ name }) => name),
    z: contributions,
  })
  return { moved, last }
}
