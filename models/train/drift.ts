/** Input drift told apart from a fault: block means of live tags against those of the training, relations kept or not. */
import type { Manifest } from '../manifest.ts'
import type { Segments } from './detector.ts'
import type { Rows } from './grid.ts'
import type { Scaling } from './scaling.ts'

/** Blocks that a training is cut into to see how far means wander by themselves. */
const TRAINING_BLOCKS = 8
const MIN_BLOCK_ROWS = 60
/** An hour at 1 Hz, five months of hours: longer blocks tell too late. */
const MAX_BLOCK_ROWS = 3600
/** A mean has moved beyond this many standard deviations, and beyond this many times what it wandered in training. */
const MIN_SHIFT = 1
const WANDER_FACTOR = 4
/** So many blocks in a row: one may be a campaign. */
const DRIFT_BLOCKS = 2
/** More broken rows than this: the tags no longer go together, and that is a fault, not a drift. */
const BROKEN_SHARE = 0.2
/** A row above the threshold is broken when some tag is this far from what the others let expect. */
const BROKEN_Z = 3
/** A block with fewer known rows than this part says nothing. */
const KNOWN_SHARE = 0.5
const TOP_TAGS = 5

export type DriftReference = NonNullable<Manifest['drift']>

/** How far the means of blocks wander in training, in scales; undefined when the rows are too few to tell. */
export function describeWander(
  rows: Rows,
  segments: Segments,
  { mean, scale }: Scaling,
): DriftReference | undefined {
  const order = segments.flatMap(([from, to]) =>
    Array.from({ length: to - from }, (_, i) => from + i),
  )
  const wanted = Math.floor(order.length / TRAINING_BLOCKS)
  const blockRows = Math.min(MAX_BLOCK_ROWS, wanted)
  if (blockRows < MIN_BLOCK_ROWS) return undefined
  const blocks = Math.floor(order.length / blockRows)
  const wander = Array.from({ length: rows.width }, (_, tag) => {
    let farthest = 0
    for (let block = 0; block < blocks; block++) {
      let sum = 0
      for (let i = block * blockRows; i < (block + 1) * blockRows; i++)
        sum += rows.values[(order[i] ?? 0) * rows.width + tag] ?? 0
      const shift = (sum / blockRows - (mean[tag] ?? 0)) / (scale[tag] ?? 1)
      farthest = Math.max(farthest, Math.abs(shift))
    }
    return Number(farthest.toPrecision(6))
  })
  return { blockRows, wander }
}

/** What `nextDrift` remembers; start with `noDrift`. */
export interface DriftState {
  /** The block that is filling. */
  from: number | null
  rows: number
  known: number
  broken: number
  sums: readonly number[]
  /** Verdicts of the blocks since the last one that was quiet or broken. */
  moved: { since: number; blocks: number; shifts: readonly number[] } | null
  state: 'none' | 'drift' | 'fault' | 'unknown'
}

export const noDrift: DriftState = {
  from: null,
  rows: 0,
  known: 0,
  broken: 0,
  sums: [],
  moved: null,
  state: 'unknown',
}

export interface DriftRow {
  at: number
  /** Values in the order of the manifest's tags; undefined: not known. */
  values: ArrayLike<number> | undefined
  /** Score over threshold; undefined: not known. */
  ratio: number | undefined
  /** Conditional z of every tag; without them every row above the threshold counts as broken. */
  contributions?: ArrayLike<number>
}

/** The next state with one more grid row. Judged once a block. */
export function nextDrift(
  state: DriftState,
  row: DriftRow,
  { tags, drift }: Pick<Manifest, 'tags' | 'drift'>,
): DriftState {
  if (!drift) return state
  const { values } = row
  const next: DriftState = {
    ...state,
    from: state.from ?? row.at,
    rows: state.rows + 1,
    known: state.known + (values ? 1 : 0),
    broken: state.broken + (isBroken(row) ? 1 : 0),
    sums: values ? tags.map((_, i) => (state.sums[i] ?? 0) + (values[i] ?? 0)) : state.sums,
  }
  return next.rows < drift.blockRows ? next : judgeBlock(next, { tags, drift })
}

function isBroken({ ratio = 0, contributions }: DriftRow): boolean {
  if (ratio <= 1) return false
  return contributions ? Array.from(contributions).some((z) => Math.abs(z) > BROKEN_Z) : true
}

function judgeBlock(
  { moved, ...block }: DriftState,
  { tags, drift }: { tags: Manifest['tags']; drift: DriftReference },
): DriftState {
  const empty = { ...noDrift, moved }
  if (block.known < KNOWN_SHARE * drift.blockRows) return { ...empty, moved: null }
  const shifts = tags.map(
    ({ mean, scale }, i) => ((block.sums[i] ?? 0) / block.known - mean) / scale,
  )
  const limits = drift.wander.map((wander) => Math.max(MIN_SHIFT, WANDER_FACTOR * wander))
  const hasMoved = shifts.some((shift, i) => Math.abs(shift) > (limits[i] ?? MIN_SHIFT))
  if (!hasMoved) return { ...empty, moved: null, state: 'none' }
  if (block.broken > BROKEN_SHARE * block.known) return { ...empty, moved: null, state: 'fault' }
  const since = moved?.since ?? block.from ?? 0
  const blocks = (moved?.blocks ?? 0) + 1
  return {
    ...empty,
    moved: { since, blocks, shifts },
    state: blocks >= DRIFT_BLOCKS ? 'drift' : 'none',
  }
}

export interface DriftVerdict {
  /** `fault`: tags moved, but their relations broke: the alarm speaks of it. */
  state: DriftState['state']
  since: number | null
  /** The tags that moved most, in training deviations, signed. */
  tags: { name: string; shift: number }[]
}

/** What the state says. */
export function readDrift(
  { state, moved }: DriftState,
  { tags }: Pick<Manifest, 'tags'>,
): DriftVerdict {
  if (state !== 'drift' || !moved) return { state, since: null, tags: [] }
  const far = tags
    .map(({ name }, i) => ({ name, shift: moved.shifts[i] ?? 0 }))
    .sort((a, b) => Math.abs(b.shift) - Math.abs(a.shift))
    .filter(({ shift }) => Math.abs(shift) > MIN_SHIFT)
  return { state, since: moved.since, tags: far.slice(0, TOP_TAGS) }
}
