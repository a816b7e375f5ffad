/** Finds how often each tag of an asset really comes: the usual of them gives the grid, the seldom ones do not fit on it. */
import { HOLD_PERIODS } from '../../models/train/grid.ts'
import type { TagId } from '../../protocol/model.ts'
import type { HistorySource } from './history.ts'

/** Samples looked at per tag: enough for a median. */
const SAMPLES = 500
/** Looked for within ever longer spans, the newest first. */
const SPANS_MS = [600_000, 86_400_000, 30 * 86_400_000]
/** Grids that people recognise. */
const USUAL_MS = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  900_000, 1_800_000, 3_600_000,
]
/** A median this much above a usual period still belongs to it: clocks jitter. */
const JITTER = 1.25

/** Median distance of a tag's samples, ms; undefined where it has not come twice. */
export type Paces = ReadonlyMap<string, number | undefined>

export async function findPaces(
  source: HistorySource,
  tags: Readonly<Record<string, TagId>>,
  to: number,
): Promise<Paces> {
  const paces = new Map<string, number | undefined>()
  for (const [name, tag] of Object.entries(tags)) paces.set(name, await medianStep(source, tag, to))
  return paces
}

/** The pace of most tags; undefined when none has come twice. */
export function findLivePeriod(paces: Paces): number | undefined {
  const known = [...paces.values()].filter((pace) => pace !== undefined).sort((a, b) => a - b)
  const middle = known[known.length >> 1]
  if (middle === undefined) return undefined
  return USUAL_MS.find((usual) => middle <= usual * JITTER) ?? USUAL_MS.at(-1)
}

/** Tags that come so seldom that their value is too old on most rows of the grid, each with the reason. */
export function findSeldom(paces: Paces, periodMs: number): { name: string; reason: string }[] {
  return [...paces].flatMap(([name, pace]) => {
    if (pace === undefined) return [{ name, reason: 'it has hardly ever come' }]
    if (pace <= HOLD_PERIODS * periodMs * JITTER) return []
    const every = `every ${Number((pace / 1000).toPrecision(2))} s`
    return [{ name, reason: `it comes ${every}, rows are ${periodMs / 1000} s apart` }]
  })
}

async function medianStep(
  source: HistorySource,
  tag: TagId,
  to: number,
): Promise<number | undefined> {
  for (const spanMs of SPANS_MS) {
    const samples = await source.raw(tag, to - spanMs, to, SAMPLES)
    const steps = samples.slice(1).map(({ at }, i) => at - (samples[i]?.at ?? at))
    if (steps.length === 0) continue
    return steps.sort((a, b) => a - b)[steps.length >> 1]
  }
  return undefined
}
