/** Samples of any order become windows on a fixed grid; a hole that nothing fills means no window, with the reason. */
import { createValues, type Values } from '../../models/session.ts'
import { SCORE_ROWS } from '../../models/train/detector.ts'
import type { Filler } from '../../models/train/fill.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import { createModeGate, type ModeOptions } from './mode-gate.ts'

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
  /** Of the windows; float32 when left out. */
  precision?: 'float64'
  /** How long after an instant its late samples are waited for. */
  lagMs: number
  /** A value older than this at its instant is stale. */
  maxAgeMs: number
  /** What fills a cell whose newest sample is no value, as back-test does; undefined: there is nothing, or not yet. */
  filler?(mode: string | undefined): Filler | undefined
  /** Where there is one model per operating mode: a window then lies whole in one of them. */
  mode?: ModeOptions
}

/** Why a tag has no value of its own at an instant: `silent` for longer than a value is held, or never heard of. */
const problems = {
  bad: 'has bad quality',
  stale: 'is stale',
  silent: '',
  'not-a-number': 'is not a number',
} as const
export type Problem = keyof typeof problems

export interface MissingTag {
  name: string
  problem: Problem
}

/** One due instant: a complete window `[T, p]`, or why there is none. */
export type DueRow = {
  at: number
  /** The values of the instant, one per tag; NaN where there is none that counts. */
  row: Values
  /** Why it has none, for each of these. */
  missing: readonly MissingTag[]
} & (
  | {
      window: Values /** Tags whose expectation by the others stands in the newest row. */
      filled: string[]
      /** The same of any row of the window: the score rests on them in part. */
      windowFilled: string[]
      /** Of all its rows, where modes are told apart. */
      mode?: string
    }
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
  const width = tags.length
  const rows = new Float64Array(windowRows * width)
  const gate = options.mode && createModeGate(options.mode)
  /** For so many rows more a filled cell of the tag stands in the window. */
  const filledFor = new Uint32Array(width)
  let filled = 0
  let mode: string | undefined
  let next: number | undefined

  /** The rule of `fillRows`: complete rows before it, few enough cells empty, none of them for more than three periods. */
  function fill({ values, empty, hasHole }: Reading): ArrayLike<number> | undefined {
    if (hasHole || empty.length === 0) return hasHole ? undefined : values
    const lags = Math.max(0, windowRows - SCORE_ROWS)
    if (filled < lags) return undefined
    const earlier = Array.from({ length: lags }, (_, lag) =>
      rows.subarray(rows.length - (lag + 1) * width, rows.length - lag * width),
    )
    return options.filler?.(mode)?.fill(values, empty, earlier)
  }

  function step(at: number): DueRow {
    const reading = readRow(tracks, at, options)
    const { row, missing, problem } = reading
    const own = gate?.next(at)
    if (own && 'reason' in own) {
      filled = 0
      return { at, row, missing, ...own }
    }
    // A row that belongs to a mode has others before it that belong to none: the window was emptied by them.
    mode = own?.mode
    const whole = fill(reading)
    if (!whole) {
      filled = 0
      return { at, row, missing, reason: problem ?? '', filling: false }
    }
    rows.copyWithin(0, width)
    rows.set(whole, rows.length - width)
    filled = Math.min(windowRows, filled + 1)
    // The first row of a window has none of the rows before it any more.
    if (filled === 1) filledFor.fill(0)
    for (const [tag, left] of filledFor.entries()) filledFor[tag] = Math.max(0, left - 1)
    for (const tag of reading.empty) filledFor[tag] = windowRows
    if (filled === windowRows) {
      const names = reading.empty.map((tag) => tags[tag]?.name ?? '')
      const windowFilled = tags.flatMap(({ name }, tag) => (filledFor[tag] ? [name] : []))
      const window = createValues(options, rows.length)
      window.set(rows)
      return { at, row, missing, window, filled: names, windowFilled, ...(mode && { mode }) }
    }
    const reason = `the window is filling: ${filled} of ${windowRows} rows`
    return { at, row, missing, reason, filling: true }
  }

  return {
    accept(sample) {
      gate?.accept(sample)
      for (const track of byTag.get(sample.tag) ?? []) remember(track, sample, periodMs)
    },
    advance(now) {
      const last = Math.floor((now - options.lagMs) / periodMs) * periodMs
      let at = next ?? last
      // Set back so far, the clock was wrong before: until it is there again nobody would look at the asset.
      const isSetBack = at - last > MAX_CATCH_UP * periodMs
      if (at > last && !isSetBack) return []
      if (isSetBack || last - at >= MAX_CATCH_UP * periodMs) {
        at = isSetBack ? last : last - (MAX_CATCH_UP - 1) * periodMs
        filled = 0
        gate?.reset()
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

interface Reading {
  /** NaN where no sample counts. */
  row: Values
  /** The same in full, an older good value where the newest sample is none: a place to fill, never a value to score. */
  values: Float64Array
  /** The places to fill. */
  empty: number[]
  /** Some value is missing that cannot be filled. */
  hasHole: boolean
  missing: MissingTag[]
  /** The first of them, in words. */
  problem?: string
}

function readRow(tracks: readonly Track[], at: number, options: WindowOptions): Reading {
  const row = createValues(options, tracks.length)
  const reading: Reading = {
    ...{ row, values: new Float64Array(tracks.length), empty: [], hasHole: false, missing: [] },
  }
  for (const [i, track] of tracks.entries()) {
    const cell = readValue(track, at, options)
    const value = 'value' in cell ? cell.value : cell.held
    row[i] = 'value' in cell ? cell.value : Number.NaN
    reading.values[i] = value ?? Number.NaN
    if ('value' in cell) continue
    const { problem } = cell
    reading.missing.push({ name: track.name, problem })
    reading.problem ??= `${track.name} ${problem === 'silent' ? saySilent(track, options) : problems[problem]}`
    if (value === undefined) reading.hasHole = true
    else reading.empty.push(i)
  }
  return reading
}

type Cell =
  | { value: number }
  | { problem: Problem /** The last good one that is young enough. */; held?: number }

function saySilent({ newestAt }: Track, { maxAgeMs }: WindowOptions): string {
  return newestAt === -Infinity ? 'has no sample yet' : `has no sample for ${maxAgeMs} ms`
}

/** The newest sample at or before the instant decides, even when it is a bad one. */
function readValue(track: Track, at: number, { periodMs, maxAgeMs }: WindowOptions): Cell {
  let problem: Problem | undefined
  for (let cell = at; cell > at - maxAgeMs - periodMs; cell -= periodMs) {
    const sample = track.cells.get(cell)
    if (!sample) continue
    if (at - sample.at > maxAgeMs) break
    const wrong = findProblem(sample)
    const value = toNumber(sample.value)
    if (wrong === undefined) return problem === undefined ? { value } : { problem, held: value }
    problem ??= wrong
  }
  return { problem: problem ?? 'silent' }
}

function findProblem({ value, quality: own }: Sample): Problem | undefined {
  if (own === quality.stale) return 'stale'
  if (own !== quality.good) return 'bad'
  return Number.isFinite(toNumber(value)) ? undefined : 'not-a-number'
}

function toNumber(value: Sample['value']): number {
  return typeof value === 'string' || value === null ? Number.NaN : Number(value)
}
