/** Where the mean of a tag moved in a stretch of history (detector D3): marks for charts, never an alarm. */
import { findChangePoints } from '../../models/train/change-point.ts'
import type { LevelChange } from '../../protocol/api-explanation.ts'
import { parseTagId, quality, type TagId } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'

/** Rows that a visible range is cut into: a mark compares 60 with 20 of them. */
const ROWS = 480
/** Rows before the range, so that its beginning can be marked too. */
const ROWS_BEFORE = 80
/** More marks than this are a pattern, not news; the largest moves stay. */
const MAX_MARKS = 50
/** Empty rows that are no gap: a value is held so long, as live. */
const HOLD_ROWS = 3

/** One time bucket of the store of samples. */
export interface LevelBucket {
  at: number
  mean: number | null
  quality: number
}

export interface LevelSource {
  range(query: { tag: TagId; from: number; to: number; points: number }): Promise<LevelBucket[]>
}

export interface Span {
  from: number
  to: number
}

export interface LevelChanges {
  /** Oldest first. */
  of(tags: readonly TagId[], span: Span): Promise<LevelChange[]>
}

export function createLevelChanges({
  store,
  history,
}: {
  store: Store
  history: LevelSource
}): LevelChanges {
  return {
    async of(tags, { from, to }) {
      const stepMs = Math.max(1, Math.ceil((to - from) / ROWS))
      const start = from - ROWS_BEFORE * stepMs
      const units = await readUnits(store, tags)
      const found: LevelChange[] = []
      for (const tag of new Set(tags)) {
        const points = Math.ceil((to - start) / stepMs)
        const query = { tag, from: start, to: start + points * stepMs, points }
        const marks = markChanges(await history.range(query), { from: start, stepMs, rows: points })
        const about = { tag, name: parseTagId(tag)?.name ?? tag, unit: units.get(tag) ?? null }
        for (const mark of marks)
          if (mark.at >= from && mark.at <= to) found.push({ ...about, ...mark })
      }
      return found.sort((a, b) => a.at - b.at)
    },
  }
}

interface Grid {
  from: number
  stepMs: number
  rows: number
}

type Mark = Pick<LevelChange, 'at' | 'before' | 'after'>

/** Pure. No comparison reaches over a gap or over a row with a bad or stale value. */
export function markChanges(buckets: readonly LevelBucket[], grid: Grid): Mark[] {
  const { column, stepMs } = createColumn(buckets, grid)
  const marks = findStretches(column).flatMap(([first, end]) =>
    findChangePoints(column.slice(first, end)).map(({ row, shift, before, after }) => {
      const at = grid.from + (first + row) * stepMs
      return { mark: { at, before, after }, size: Math.abs(shift) }
    }),
  )
  const largest = marks.sort((a, b) => b.size - a.size).slice(0, MAX_MARKS)
  return largest.map(({ mark }) => mark).sort((a, b) => a.at - b.at)
}

/** Infinity stands for a row that breaks the stretch: something in it was bad or stale. */
function createColumn(buckets: readonly LevelBucket[], { from, stepMs, rows }: Grid) {
  const merged = findPace(buckets, stepMs)
  const column = new Array<number>(Math.ceil(rows / merged)).fill(Number.NaN)
  const groups = Map.groupBy(buckets, ({ at }) => Math.floor((at - from) / stepMs / merged))
  for (const [row, group] of groups) {
    if (row < 0 || row >= column.length) continue
    const isGood = group.every((one) => one.quality === quality.good && one.mean !== null)
    const sum = group.reduce((all, { mean }) => all + (mean ?? 0), 0)
    column[row] = isGood ? sum / group.length : Number.POSITIVE_INFINITY
  }
  return { column, stepMs: stepMs * merged }
}

/** How many rows apart a tag's values usually come: so many rows are one. */
function findPace(buckets: readonly LevelBucket[], stepMs: number): number {
  const steps = buckets
    .slice(1)
    .map(({ at }, i) => Math.round((at - (buckets[i]?.at ?? at)) / stepMs))
    .sort((a, b) => a - b)
  return Math.max(1, steps[Math.floor(0.75 * steps.length)] ?? 1)
}

/** Stretches without a gap, as [from, to) pairs. */
function findStretches(column: readonly number[]): [number, number][] {
  const stretches: [number, number][] = []
  let first = -1
  let last = -1
  const close = () => {
    if (first >= 0) stretches.push([first, last + 1])
    first = -1
  }
  for (const [row, value] of column.entries()) {
    if (Number.isNaN(value)) continue
    const isBroken = value === Number.POSITIVE_INFINITY
    if (isBroken || (first >= 0 && row - last > HOLD_ROWS + 1)) close()
    if (isBroken) continue
    if (first < 0) first = row
    last = row
  }
  close()
  return stretches
}

async function readUnits({ db }: Store, tags: readonly string[]): Promise<Map<string, string>> {
  if (tags.length === 0) return new Map()
  const rows = await db.selectFrom('tags').select(['id', 'unit']).where('id', 'in', tags).execute()
  return new Map(rows.flatMap(({ id, unit }) => (unit === null ? [] : [[id, unit]])))
}
