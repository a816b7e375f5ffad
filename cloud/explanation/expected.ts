/** What a tag should have read, given the others: the value at which its contribution would be nothing. */
import type { Manifest } from '../../models/manifest.ts'
import { type Batch, createValues, type Values } from '../../models/session.ts'

/** A tag whose contribution hardly answers to its own value has no expected one. */
const LEAST_SLOPE = 1e-6

export interface Expected {
  /** Mean over the rows of the window that the score looks at, in the tag's unit. */
  value: number
  expected: number | null
}

type Run = (windows: Values, batch: number) => Promise<Batch>

/**
 * Contributions of a detector of all tags together are linear in each tag (conditional z): the tag is moved by one of its
 * scales and the answer watched, so no matrix is needed and any such model can be asked. By tag name.
 */
export async function findExpected(
  manifest: Manifest,
  window: Values,
  run: Run,
): Promise<Map<string, Expected>> {
  const { tags, windowRows } = manifest
  const width = tags.length
  const size = windowRows * width
  const windows = createValues(manifest, (width + 1) * size)
  for (let i = 0; i <= width; i++) windows.set(window, i * size)
  tags.forEach(({ scale }, tag) => {
    for (let at = (tag + 1) * size + tag; at < (tag + 2) * size; at += width)
      windows[at] = (windows[at] ?? 0) + scale
  })
  const { contributions } = await run(windows, width + 1)
  const found = new Map<string, Expected>()
  tags.forEach(({ name, scale }, tag) => {
    const z = contributions[tag] ?? 0
    const slope = ((contributions[(tag + 1) * width + tag] ?? 0) - z) / scale
    const value = meanOf(window, { tag, width, rows: windowRows })
    const expected = Math.abs(slope) * scale > LEAST_SLOPE ? value - z / slope : null
    found.set(name, { value, expected })
  })
  return found
}

function meanOf(
  window: Values,
  { tag, width, rows }: { tag: number; width: number; rows: number },
): number {
  let sum = 0
  for (let row = 0; row < rows; row++) sum += window[row * width + tag] ?? 0
  return sum / rows
}
