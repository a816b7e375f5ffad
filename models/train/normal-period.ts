/** Proposes the normal periods of a history to train on, and says what was left out and why. */

import { quantile } from '../quantiles.ts'
import { HOLD_PERIODS } from './grid.ts'
import { MIN_ROWS } from './prepare.ts'
import type { Table } from './table.ts'

/** Lags of the widest model, and rows wanted a dimension. */
const ROWS_PER_TAG = 9
/** A pause of so many periods is a stop; the rows after it are start-up. */
const STOP_PERIODS = 60
const START_UP_ROWS = 30
/** Farther from the median than this many half widths of the middle half: no operation, but an event. */
const OUTLIER_WIDTHS = 12
/** What comes back with every load cycle is operation: an event is rarer than this part of the rows. */
const RARE_SHARE = 0.01
/** Rows around an outlier that belong to it. */
const OUTLIER_ROWS = 10
/** A stretch shorter than this holds no window worth learning. */
const MIN_STRETCH_ROWS = 30

export interface Span {
  from: number
  to: number
}

export interface Exclusion extends Span {
  reason: string
}

export interface NormalQuestion {
  /** History with instants, ascending; NaN where a value is missing or of bad quality. */
  table: Table
  periodMs: number
  /** Alarms, cases, maintenance windows: known from elsewhere. */
  exclude: readonly Exclusion[]
}

export interface NormalProposal {
  periods: Span[]
  excluded: Exclusion[]
  /** Rows in the periods, and how many the tags want. */
  rows: number
  rowsWanted: number
  enough: boolean
}

/** Newest history as it is, less what is known or seen to be abnormal. */
export function proposeNormal({ table, periodMs, exclude }: NormalQuestion): NormalProposal {
  const at = table.at ?? new Float64Array()
  const reasons = new Array<string | undefined>(table.rows).fill(undefined)
  const mark = (row: number, reason: string) => {
    if (row >= 0 && row < table.rows) reasons[row] ??= reason
  }
  for (const { from, to, reason } of exclude)
    for (let row = findRow(at, from); row < table.rows && (at[row] ?? 0) <= to; row++)
      mark(row, reason)
  markMissing(table, mark)
  markStarts(at, periodMs, { reasons, mark })
  markOutliers(table, mark)
  const { periods, excluded, rows } = collect(at, periodMs, reasons)
  const rowsWanted = Math.max(MIN_ROWS, ROWS_PER_TAG * table.columns.length)
  return { periods, excluded, rows, rowsWanted, enough: rows >= rowsWanted }
}

type Mark = (row: number, reason: string) => void

/** The first row at or after the instant. */
function findRow(at: Float64Array, instant: number): number {
  let low = 0
  let high = at.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((at[middle] ?? 0) < instant) low = middle + 1
    else high = middle
  }
  return low
}

/** A cell empty for longer than a value is held on. */
function markMissing({ columns, names, rows }: Table, mark: Mark): void {
  columns.forEach((column, tag) => {
    let empty = 0
    for (let row = 0; row < rows; row++) {
      empty = Number.isNaN(column[row]) ? empty + 1 : 0
      if (empty <= HOLD_PERIODS) continue
      const from = empty === HOLD_PERIODS + 1 ? row - HOLD_PERIODS : row
      for (let i = from; i <= row; i++) mark(i, `${names[tag]} has no good value`)
    }
  })
}

/** After a stop, and after what was excluded for longer than a stop. */
function markStarts(
  at: Float64Array,
  periodMs: number,
  { reasons, mark }: { reasons: readonly (string | undefined)[]; mark: Mark },
): void {
  const stopMs = STOP_PERIODS * periodMs
  let lastGood = Number.NaN
  const starts: number[] = []
  at.forEach((instant, row) => {
    if (reasons[row] !== undefined) return
    if (instant - lastGood > stopMs) starts.push(row)
    lastGood = instant
  })
  for (const row of starts)
    for (let i = row; i < row + START_UP_ROWS; i++) mark(i, 'start-up after a stop')
}

function markOutliers({ columns, names, rows }: Table, mark: Mark): void {
  columns.forEach((column, tag) => {
    const known = Array.from(column).filter((value) => !Number.isNaN(value))
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(known, share))
    const width = ((high ?? 0) - (low ?? 0)) / 2
    if (!(width > 0)) return
    const far: number[] = []
    for (let row = 0; row < rows; row++)
      if (Math.abs((column[row] ?? 0) - (middle ?? 0)) > OUTLIER_WIDTHS * width) far.push(row)
    if (far.length > RARE_SHARE * known.length) return
    for (const row of far)
      for (let i = row - OUTLIER_ROWS; i <= row + OUTLIER_ROWS; i++)
        mark(i, `${names[tag]} is far from its usual values`)
  })
}

/** Rows of one fate become spans; a pause between them is "no data". */
function collect(at: Float64Array, periodMs: number, reasons: (string | undefined)[]) {
  const periods: Span[] = []
  const excluded: Exclusion[] = []
  let rows = 0
  const pauseMs = (HOLD_PERIODS + 1) * periodMs
  for (let first = 0; first < at.length; ) {
    let last = first
    const reason = reasons[first]
    while (
      last + 1 < at.length &&
      reasons[last + 1] === reason &&
      (at[last + 1] ?? 0) - (at[last] ?? 0) <= pauseMs
    )
      last++
    const span = { from: at[first] ?? 0, to: at[last] ?? 0 }
    const count = last - first + 1
    if (reason !== undefined) excluded.push({ ...span, reason })
    else if (count < MIN_STRETCH_ROWS) excluded.push({ ...span, reason: 'too short a stretch' })
    else {
      periods.push(span)
      rows += count
    }
    const next = at[last + 1]
    if (next !== undefined && next - span.to > pauseMs)
      excluded.push({ from: span.to, to: next, reason: 'no data' })
    first = last + 1
  }
  return { periods, excluded, rows }
}
