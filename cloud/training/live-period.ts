/** Finds how often each tag of an asset really comes: the usual of them gives the grid, the seldom ones do not fit on it. */
import { HOLD_PERIODS } from '../../models/train/grid.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { HistorySource } from './history.ts'

/** Samples looked at per tag: five minutes of ten a second, in which a state that is repeated by the minute comes too. */
const SAMPLES = 3_000
/** Of all tags together: what a proposal may hold in memory beside its table. */
const ALL_SAMPLES = 200_000
/** Looked for within ever longer spans, the newest first. */
const SPANS_MS = [600_000, 86_400_000, 30 * 86_400_000]
/** Grids that people recognise. */
const USUAL_MS = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  900_000, 1_800_000, 3_600_000,
]
/** A pace this much above a usual period still belongs to it: clocks jitter. */
const JITTER = 1.25
/** When nothing at all comes for so many times what a usual tag takes at most, the asset was off or nobody listened. */
const PAUSE_STEPS = 5
/** One in so many steps may be such a pause: "at most" is without them. */
const STEPS_A_PAUSE = 10

/** How far apart a tag's samples are for half of the time, ms; undefined where it has not come twice. */
export type Paces = ReadonlyMap<string, number | undefined>

export type PaceSource = Pick<HistorySource, 'raw'>

export async function findPaces(
  source: PaceSource,
  tags: Readonly<Record<string, TagId>>,
  to: number,
): Promise<Paces> {
  const paces = new Map<string, number | undefined>()
  const limit = Math.min(SAMPLES, Math.ceil(ALL_SAMPLES / Math.max(1, Object.keys(tags).length)))
  for (const spanMs of SPANS_MS) {
    const arrivals = new Map<string, readonly Sample[]>()
    for (const [name, tag] of Object.entries(tags))
      arrivals.set(name, await source.raw(tag, to - spanMs, to, limit))
    for (const [name, pace] of measurePaces(arrivals, limit))
      paces.set(name, paces.get(name) ?? pace)
    if ([...paces.values()].every((pace) => pace !== undefined)) break
  }
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

/**
 * Samples of each tag in order of time, at most `limit` each; what was cut off by it is cut off for all. Steps are
 * weighed by their length: a state that comes five times while it changes, and then by the minute, comes by the minute.
 * Time in which the asset was silent as a whole (a restart) is nobody's step, nor is what follows a bad sample.
 */
export function measurePaces(
  arrivals: ReadonlyMap<string, readonly Sample[]>,
  limit = Number.POSITIVE_INFINITY,
): Paces {
  const all = [...arrivals]
  const ends = all.flatMap(([, own]) => (own.length < limit ? [] : [own.at(-1)?.at ?? 0]))
  const end = ends.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const seen = all.map(([name, own]) => ({ name, own: own.filter(({ at }) => at <= end) }))
  const awake = createAwakeClock(seen.map(({ own }) => own.map(({ at }) => at)))
  return new Map(seen.map(({ name, own }) => [name, measurePace(own, awake)]))
}

interface AwakeClock {
  /** Ms since the first sample of any tag, without the pauses. */
  read(at: number): number
  /** At the last sample of any tag. */
  end: number
}

function createAwakeClock(instants: readonly (readonly number[])[]): AwakeClock {
  const pauseMs = PAUSE_STEPS * (findUsualLongest(instants) ?? Number.POSITIVE_INFINITY)
  const known = new Map<number, number>()
  let now = 0
  let last: number | undefined
  for (const at of instants.flat().sort((a, b) => a - b)) {
    const silence = at - (last ?? at)
    if (silence <= pauseMs) now += silence
    known.set(at, now)
    last = at
  }
  return { read: (at) => known.get(at) ?? 0, end: now }
}

/** What the middle one of the tags takes at most from one sample to the next, pauses left aside. */
function findUsualLongest(instants: readonly (readonly number[])[]): number | undefined {
  const longest = instants.flatMap((own) => {
    const steps = own.slice(1).map((at, i) => at - (own[i] ?? at))
    steps.sort((a, b) => b - a)
    return steps[Math.floor(steps.length / STEPS_A_PAUSE)] ?? []
  })
  return longest.sort((a, b) => a - b)[longest.length >> 1]
}

/** The time before its first sample and after its last, while others came, is a step as well. */
function measurePace(own: readonly Sample[], awake: AwakeClock): number | undefined {
  if (own.filter((sample) => sample.quality === quality.good).length < 2) return undefined
  const steps = [awake.read(own[0]?.at ?? 0)]
  own.forEach((sample, i) => {
    if (sample.quality !== quality.good) return
    const next = own[i + 1]
    steps.push((next ? awake.read(next.at) : awake.end) - awake.read(sample.at))
  })
  steps.sort((a, b) => a - b)
  const half = steps.reduce((sum, step) => sum + step, 0) / 2
  let sum = 0
  return steps.find((step) => {
    sum += step
    return sum >= half
  })
}
