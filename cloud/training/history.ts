/** Reads stretches of history as a table for training and back-test: good values only, on the grid of the model. */
import type { Table } from '../../models/train/table.ts'
import type { Period } from '../../protocol/api-models.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'

/** What training needs of the store of samples. */
export interface HistorySource {
  /** `values[tag][row]`: the newest good value within one step before the row, NaN where there is none. */
  scan(query: {
    tags: readonly TagId[]
    from: number
    to: number
    stepMs: number
  }): Promise<{ at: Float64Array; values: Float64Array[] }>
  range(query: {
    tag: TagId
    from: number
    to: number
    points: number
  }): Promise<{ at: number; quality: number }[]>
  raw(tag: TagId, from: number, to: number, limit: number): Promise<Sample[]>
}

export interface HistoryQuery {
  /** By the names that models know. */
  tags: Readonly<Record<string, TagId>>
  periods: readonly Period[]
  stepMs: number
  /** Said while it goes on, 0 to 1; throws to stop. */
  onProgress?(share: number): void
}

/** Cells a question: a few tens of milliseconds for whoever else wants the store of samples. */
const CHUNK_CELLS = 40_000
/** The first look for bad quality is this coarse; only what is not wholly good is looked at closely. */
const COARSE_BUCKETS = 200

/** Rows in order of time at the multiples of the step; the pauses between periods are gaps. */
export async function readHistory(source: HistorySource, query: HistoryQuery): Promise<Table> {
  const names = Object.keys(query.tags)
  const chunks = cutChunks(query, names.length)
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
  const at = new Float64Array(rows)
  const columns = names.map(() => new Float64Array(rows))
  let row = 0
  for (const { from, to, rows: count } of chunks) {
    query.onProgress?.(rows === 0 ? 1 : row / rows)
    const tags = Object.values(query.tags)
    const grid = await source.scan({ tags, from, to, stepMs: query.stepMs })
    at.set(grid.at.subarray(0, count), row)
    for (const [i, tag] of tags.entries()) {
      const column = columns[i]?.subarray(row, row + count)
      const values = grid.values[i]?.subarray(0, count)
      if (!column || !values) continue
      column.set(values)
      await blankBad(source, column, { tag, from, to, stepMs: query.stepMs })
    }
    row += count
  }
  query.onProgress?.(1)
  return { file: 'the history', names, at, columns, rows }
}

/** How many rows the periods hold at the step. */
export function countRows(periods: readonly Period[], stepMs: number): number {
  return mergePeriods(periods).reduce((sum, period) => sum + rowsOf(period, stepMs).rows, 0)
}

/** In order of time, without overlap: a row counts once. */
export function mergePeriods(periods: readonly Period[]): Period[] {
  const merged: Period[] = []
  for (const { from, to } of [...periods].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last && from <= last.to) last.to = Math.max(last.to, to)
    else if (to > from) merged.push({ from, to })
  }
  return merged
}

interface Chunk {
  from: number
  /** Exclusive. */
  to: number
  rows: number
}

/** The grid rows within a period, its ends included. */
function rowsOf({ from, to }: Period, stepMs: number): Chunk {
  const first = Math.ceil(from / stepMs) * stepMs
  const rows = Math.max(0, Math.floor((to - first) / stepMs) + 1)
  return { from: first, to: first + rows * stepMs, rows }
}

function cutChunks({ periods, stepMs }: HistoryQuery, width: number): Chunk[] {
  const most = Math.max(1, Math.floor(CHUNK_CELLS / Math.max(1, width)))
  return mergePeriods(periods).flatMap((period) => {
    const { from, rows } = rowsOf(period, stepMs)
    return Array.from({ length: Math.ceil(rows / most) }, (_, i) => {
      const own = Math.min(most, rows - i * most)
      const start = from + i * most * stepMs
      return { from: start, to: start + own * stepMs, rows: own }
    })
  })
}

interface Span {
  tag: TagId
  from: number
  to: number
  stepMs: number
}

/** A bad or stale sample beats a good one in the same step, as it does live. */
async function blankBad(
  source: HistorySource,
  column: Float64Array,
  { tag, from, to, stepMs }: Span,
): Promise<void> {
  // A row looks back one step: buckets are (at - step, at].
  const start = from - stepMs + 1
  const end = to - stepMs + 1
  const coarse = Math.max(1, Math.ceil(column.length / COARSE_BUCKETS))
  const points = Math.ceil(column.length / coarse)
  const buckets = await source.range({
    tag,
    from: start,
    to: start + points * coarse * stepMs,
    points,
  })
  for (const bucket of buckets) {
    if (bucket.quality === quality.good) continue
    const until = Math.min(end, bucket.at + coarse * stepMs)
    const fine = Math.round((until - bucket.at) / stepMs)
    if (fine < 1) continue
    const cells = await source.range({ tag, from: bucket.at, to: until, points: fine })
    for (const cell of cells)
      if (cell.quality !== quality.good) column[Math.round((cell.at - start) / stepMs)] = Number.NaN
  }
}
