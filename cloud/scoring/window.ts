/** Samples of any order become windows on a fixed grid; a hole anywhere means no window, with the reason. */
import { quality, type Sample, type TagId } from '../../protocol/model.ts'

/** Distinct grid cells remembered per tag: an hour and more at 1 s; a tag flooding the future stops here. */
const MAX_CELLS = 4096
/** Grid instants worked off in one step; older ones are skipped and the window refills. */
const MAX_CATCH_UP = 60

export interface WindowTag {
  tag: TagId
  /** The name that reasons use. */
  name: string
}

export interface WindowOptions {
  tags: readonly WindowTag[]
  periodMs: number
  /** Rows T of a window. */
  windowRows: number
  /** How long after an instant its late samples are waited for. */
  lagMs: number
  /** A value older than this at its instant is stale. */
  maxAgeMs: number
}

/** One due instant: a complete window `[T, p]`, or why there is none. */
export type DueRow = {
  at: number
  /** The values of the instant, one per tag; NaN where there is none that counts. */
  row: Float32Array
} & (
  | { window: Float32Array }
  | { reason: string /** Data is good, only not long enough yet. */; filling: boolean }
)

export interface AssetWindow {
  accept(sample: Sample): void
  /** Every grid instant that has become due since the last call, oldest first. */
  advance(now: number): DueRow[]
}

/** Newest sample per grid cell: cell `at` holds samples in (at - period, at]. */
interface Track extends WindowTag {
  cells: Map<number, Sample>
  newestAt: number
}

/** Pure but for its own memory: time comes in as an argument. */
export function createWindow(options: WindowOptions): AssetWindow {
  const { periodMs, windowRows, tags } = options
  const tracks = tags.map((tag): Track => ({ ...tag, cells: new Map(), newestAt: -Infinity }))
  const byTag = Map.groupBy(tracks, ({ tag }) => tag)
  const rows = new Float32Array(windowRows * tags.length)
  let filled = 0
  let next: number | undefined

  function step(at: number): DueRow {
    const { row, problem } = readRow(tracks, at, options)
    if (problem !== undefined) {
      filled = 0
      return { at, row, reason: problem, filling: false }
    }
    rows.copyWithin(0, tags.length)
    rows.set(row, rows.length - tags.length)
    filled = Math.min(windowRows, filled + 1)
    if (filled === windowRows) return { at, row, window: rows.slice() }
    const reason = `the window is filling: ${filled} of ${windowRows} rows`
    return { at, row, reason, filling: true }
  }

  return {
    accept(sample) {
      for (const track of byTag.get(sample.tag) ?? []) remember(track, sample, periodMs)
    },
    advance(now) {
      const last = Math.floor((now - options.lagMs) / periodMs) * periodMs
      let at = next ?? last
      if (at > last) return []
      if (last - at >= MAX_CATCH_UP * periodMs) {
        at = last - (MAX_CATCH_UP - 1) * periodMs
        filled = 0
      }
      const due: DueRow[] = []
      for (; at <= last; at += periodMs) due.push(step(at))
      next = at
      for (const track of tracks) forget(track, at - options.maxAgeMs - periodMs)
      return due
    },
  }
}

function remember(track: Track, sample: Sample, periodMs: number): void {
  const cell = Math.ceil(sample.at / periodMs) * periodMs
  const known = track.cells.get(cell)
  if (known && known.at > sample.at) return
  track.cells.set(cell, sample)
  track.newestAt = Math.max(track.newestAt, sample.at)
  if (track.cells.size > MAX_CELLS) track.cells.delete(Math.min(...track.cells.keys()))
}

function forget(track: Track, before: number): void {
  for (const cell of track.cells.keys()) if (cell < before) track.cells.delete(cell)
}

/** The values of one instant, and the first reason why one is missing. */
function readRow(tracks: readonly Track[], at: number, options: WindowOptions) {
  const row = new Float32Array(tracks.length)
  let problem: string | undefined
  for (const [i, track] of tracks.entries()) {
    const value = readValue(track, at, options)
    row[i] = typeof value === 'string' ? Number.NaN : value
    if (typeof value === 'string') problem ??= `${track.name} ${value}`
  }
  return { row, problem }
}

/** The newest sample at or before the instant decides, even when it is a bad one. */
function readValue(track: Track, at: number, { periodMs, maxAgeMs }: WindowOptions) {
  for (let cell = at; cell > at - maxAgeMs - periodMs; cell -= periodMs) {
    const sample = track.cells.get(cell)
    if (!sample) continue
    if (at - sample.at > maxAgeMs) break
    if (sample.quality !== quality.good)
      return sample.quality === quality.stale ? 'is stale' : 'has bad quality'
    const value = toNumber(sample.value)
    return Number.isFinite(value) ? value : 'is not a number'
  }
  if (track.newestAt === -Infinity) return 'has no sample yet'
  return `has no sample for ${maxAgeMs} ms`
}

function toNumber(value: Sample['value']): number {
  return typeof value === 'string' || value === null ? Number.NaN : Number(value)
}
