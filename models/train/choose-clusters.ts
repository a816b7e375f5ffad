/** How many phases a machine has: as many as make windows that were held out more likely, and one when nothing does. */
import { describePhase, findNearest, MAX_CLUSTERS } from '../clusters.ts'
import type { Manifest } from '../manifest.ts'
import { type Detector, fitDetector, ROWS_PER_DIMENSION, scoreSegments } from './detector.ts'
import { findSegments, type Rows } from './grid.ts'
import { findCenters } from './k-means.ts'
import { MIN_ROWS } from './prepare.ts'
import { reportPhase, type TrainRun } from './train-options.ts'

/** Stretches that are held out in turn. */
const BLOCKS = 4
/** Gain per dimension, in nats, that is worth models of their own. */
const GAIN = 0.1

export interface Phases {
  centers: Float64Array[]
  /** By the last row of each window. */
  phaseOf: ReadonlyMap<number, number>
}

interface Tried {
  phases: Phases
  cost: number
}
const NONE: Tried = { phases: { centers: [], phaseOf: new Map() }, cost: Infinity }

export interface PhaseOptions {
  manifest: Manifest
  lags: number
  resolutions: Float64Array
  run: TrainRun
}

/** Undefined: one model for all operation is as good. Every phase has rows enough for a model that looks as far back. */
export async function choosePhases(rows: Rows, options: PhaseOptions): Promise<Phases | undefined> {
  const { manifest, run } = options
  const ends = findEnds(rows, manifest.windowRows)
  const points = ends.map((end) => describePhase(manifest.tags, windowAt(rows, end, manifest)))
  const tried: Tried[] = []
  for (let count = 1; count <= MAX_CLUSTERS; count++) {
    await reportPhase(run, `looking for ${count} phases`, count / MAX_CLUSTERS)
    const centers = findCenters(points, count, manifest.training.seed)
    const phaseOf = new Map(
      ends.map((end, i) => [end, findNearest(centers, points[i] ?? []).place]),
    )
    const phases = { centers, phaseOf }
    if (centers.length < count || !isEnough(phases, rows, options)) continue
    tried.push({ phases, cost: measureCost(phases, rows, options) })
  }
  const [one] = tried
  const best = tried.reduce((least, next) => (next.cost < least.cost ? next : least), one ?? NONE)
  return one && one.cost - best.cost >= GAIN ? best.phases : undefined
}

function findEnds(rows: Rows, windowRows: number): number[] {
  return findSegments(rows).flatMap(([from, to]) =>
    Array.from(
      { length: Math.max(0, to - from - windowRows + 1) },
      (_, i) => from + windowRows - 1 + i,
    ),
  )
}

function windowAt({ values, width }: Rows, end: number, { windowRows }: Manifest): Float64Array {
  return values.subarray((end - windowRows + 1) * width, (end + 1) * width)
}

/** The rows of the windows of one phase; all others are gaps. */
export function keepPhase(
  rows: Rows,
  { phaseOf }: Pick<Phases, 'phaseOf'>,
  { phase, windowRows }: { phase: number; windowRows: number },
): Rows {
  const values = new Float64Array(rows.values.length).fill(Number.NaN)
  for (const [end, own] of phaseOf) {
    if (own !== phase) continue
    const from = (end - windowRows + 1) * rows.width
    values.set(rows.values.subarray(from, (end + 1) * rows.width), from)
  }
  const { empty: _, ...rest } = rows
  return { ...rest, values }
}

function isEnough({ centers, phaseOf }: Phases, { width }: Rows, { lags }: PhaseOptions): boolean {
  const least = Math.max(MIN_ROWS, ROWS_PER_DIMENSION * width * (lags + 1))
  const places = [...phaseOf.values()]
  return centers.every((_, phase) => places.filter((own) => own === phase).length >= least)
}

/** How unlikely windows are to models that were fitted without their block, in nats a dimension; constants left aside. */
function measureCost(phases: Phases, rows: Rows, options: PhaseOptions): number {
  const { windowRows } = options.manifest
  let sum = 0
  let count = 0
  for (const phase of phases.centers.keys()) {
    const own = keepPhase(rows, phases, { phase, windowRows })
    const segments = findSegments(own)
    for (let block = 0; block < BLOCKS; block++) {
      const from = Math.floor((rows.count * block) / BLOCKS)
      const to = Math.floor((rows.count * (block + 1)) / BLOCKS)
      const rest = [...clip(segments, 0, from), ...clip(segments, to, rows.count)]
      const held = clip(segments, from, to)
      if (held.length === 0) continue
      // A phase that happens in this block only was not foreseen by anything before.
      if (rest.length === 0) return Number.POSITIVE_INFINITY
      const detector = fitDetector(own, rest, options)
      const spread = measureSpread(detector)
      const { ends, scores } = scoreSegments(detector, own, held)
      scores.forEach(({ score }, i) => {
        if (phases.phaseOf.get(ends[i] ?? -1) !== phase) return
        sum += score ** 2 / 2 + spread
        count++
      })
    }
  }
  return sum / Math.max(1, count)
}

function clip(segments: readonly [number, number][], from: number, to: number): [number, number][] {
  return segments
    .map(([a, b]): [number, number] => [Math.max(a, from), Math.min(b, to)])
    .filter(([a, b]) => b > a)
}

/** The logarithm of the volume that the model takes for likely, a dimension, in the tags' own units. */
function measureSpread({ whiten, scale, center, width }: Detector): number {
  const size = center.length
  let sum = 0
  for (let i = 0; i < size; i++)
    sum += Math.log(scale[i % width] ?? 1) - Math.log(Math.abs(whiten[i * size + i] ?? 1))
  return sum / size
}
