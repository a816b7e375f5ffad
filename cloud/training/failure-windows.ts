/** Reads the windows of an alarm, or of a normal stretch, from history: on the grid, a value held as long as it is live. */

import {
  cutStretch,
  cutWindow,
  findWindowEnds,
  WINDOW_ROWS,
} from '../../models/train/failures/windows.ts'
import { createRows, HOLD_PERIODS } from '../../models/train/grid.ts'
import type { Period } from '../../protocol/api-models.ts'
import type { TagId } from '../../protocol/model.ts'
import { type HistorySource, readHistory } from './history.ts'

/** Windows of a normal stretch, one after the other. */
const NORMAL_WINDOWS = 5

export interface WindowQuery {
  /** By the names that models know, in the order of the columns. */
  tags: Readonly<Record<string, TagId>>
  periodMs: number
  span: Period
}

/** Of the beginning of an alarm, as it is learned from. */
export async function readCaseWindows(source: HistorySource, query: WindowQuery) {
  const span = cutStretch(query.span, query.periodMs)
  return await readWindows(source, query, findWindowEnds(span, query.periodMs))
}

/** Of an alarm up to now, as it is looked at live. */
export async function readLiveWindows(source: HistorySource, query: WindowQuery) {
  return await readWindows(source, query, findWindowEnds(query.span, query.periodMs))
}

/** Stretches of normal operation, evenly over the periods. */
export function cutNormal(periods: readonly Period[], periodMs: number, count: number): Period[] {
  const whole = NORMAL_WINDOWS * WINDOW_ROWS * periodMs
  const least = WINDOW_ROWS * periodMs
  const all = periods.flatMap(({ from, to }) =>
    Array.from({ length: Math.ceil((to - from) / whole) }, (_, i) => ({
      from: from + i * whole,
      to: Math.min(to, from + (i + 1) * whole),
    })).filter((one) => one.to - one.from >= least),
  )
  const step = Math.max(1, all.length / count)
  return Array.from(
    { length: Math.min(count, all.length) },
    (_, i) => all[Math.floor(i * step)],
  ).filter((one) => one !== undefined)
}

export async function readNormalWindows(source: HistorySource, query: WindowQuery) {
  const { from, to } = query.span
  const windowMs = WINDOW_ROWS * query.periodMs
  const count = Math.floor((to - from) / windowMs)
  const ends = Array.from({ length: count }, (_, i) => from + (i + 1) * windowMs)
  return await readWindows(source, query, ends)
}

async function readWindows(
  source: HistorySource,
  { tags, periodMs }: WindowQuery,
  ends: readonly number[],
): Promise<Float64Array[]> {
  const reach = (WINDOW_ROWS + HOLD_PERIODS) * periodMs
  const periods = ends.map((end) => ({ from: end - reach, to: end }))
  const table = await readHistory(source, { tags, periods, stepMs: periodMs })
  const rows = createRows(table, periodMs)
  return rows ? ends.map((end) => cutWindow(rows, end)) : []
}
