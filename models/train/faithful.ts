/** Runs the written graph on training and golden windows and refuses it when it says something else than the trainer. */
import { Fault } from '../../protocol/kit/fault.ts'
import type { Manifest } from '../manifest.ts'
import { createValues, openSession } from '../session.ts'
import type { Fitted } from './fitted.ts'
import { cutWindow, type Golden } from './golden.ts'
import { findSegments, type Rows } from './grid.ts'

/** The written graph may differ from the trainer by this much: |a - b| / max(1, |b|). */
const FAITHFUL_LIMIT = 1e-3
/** At most this many training windows are run through the written graph; evenly spread. */
const CHECKED_WINDOWS = 4096

export interface Candidate {
  bytes: Uint8Array
  manifest: Manifest
  detector: Fitted
  rows: Rows
  ends: readonly number[]
  golden: Golden
}

/** The largest difference; above the limit it is Fault 'model.unfaithful'. */
export async function checkFaithful({ bytes, manifest, ...own }: Candidate): Promise<number> {
  await using session = await openSession(bytes, manifest)
  const { detector, rows, ends, golden } = own
  const every = Math.max(1, Math.ceil(ends.length / CHECKED_WINDOWS))
  const chosen = ends.filter((_, i) => i % every === 0)
  const windows = chosen.map((end) => cutWindow(detector, rows, end).values)
  windows.push(...golden.vectors.map(({ window }) => Float64Array.from(window.flat())))
  const size = manifest.windowRows * rows.width
  const input = createValues(manifest, windows.length * size)
  windows.forEach((window, i) => {
    input.set(window, i * size)
  })
  const { score } = await session.run(input, windows.length)
  const scored = detector.score(rows, findSegments(rows)).scores
  const expected = [
    ...scored.filter((_, i) => i % every === 0).map((one) => one.score),
    ...golden.vectors.map((one) => one.score),
  ]
  const difference = expected.reduce((worst, value, i) => {
    const off = Math.abs((score[i] ?? Number.NaN) - value) / Math.max(1, Math.abs(value))
    return off <= worst ? worst : off
  }, 0)
  if (difference <= FAITHFUL_LIMIT) return difference
  throw new Fault('model.unfaithful', { difference, limit: FAITHFUL_LIMIT })
}
