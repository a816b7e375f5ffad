/** Normal periods as rows of two fields that a person edits, and back. Pure. */
import type { Period } from '../../../protocol/api-models.ts'
import { formatWall, parseWall } from '../i18n/wall-clock.ts'

export interface PeriodRow {
  key: number
  /** What the fields hold: the wall clock of the site, or something half filled in. */
  from: string
  to: string
}

export function rowsOf(periods: readonly Period[], timeZone: string | undefined): PeriodRow[] {
  return periods.map(({ from, to }, key) => ({
    key,
    from: formatWall(from, timeZone),
    to: formatWall(to, timeZone),
  }))
}

/** Appends a row; its key is one that no row has. */
export function addRow(
  rows: readonly PeriodRow[],
  period: Period,
  timeZone: string | undefined,
): PeriodRow[] {
  const key = Math.max(-1, ...rows.map((row) => row.key)) + 1
  return [...rows, ...rowsOf([period], timeZone).map((row) => ({ ...row, key }))]
}

/** The period of a row; null: it is none, because a field is empty or it ends before it begins. */
export function periodOf(row: PeriodRow, timeZone: string | undefined): Period | null {
  const from = parseWall(row.from, timeZone)
  const to = parseWall(row.to, timeZone)
  return from === null || to === null || to <= from ? null : { from, to }
}

/** All periods in the order of time; null when a row is none. */
export function periodsOf(
  rows: readonly PeriodRow[],
  timeZone: string | undefined,
): Period[] | null {
  const periods: Period[] = []
  for (const row of rows) {
    const period = periodOf(row, timeZone)
    if (!period) return null
    periods.push(period)
  }
  return periods.sort((a, b) => a.from - b.from)
}

/** How many rows the periods hold at most; where they overlap, once. */
export function countRows(periods: readonly Period[], periodMs: number): number {
  let until = Number.NEGATIVE_INFINITY
  let ms = 0
  for (const { from, to } of periods.toSorted((a, b) => a.from - b.from)) {
    ms += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return Math.floor(ms / periodMs)
}

/** The stretch of time that holds all of them; the last day where there are none. */
export function spanOf(periods: readonly Period[], now: number): Period {
  if (periods.length === 0) return { from: now - 86_400_000, to: now }
  return {
    from: Math.min(...periods.map(({ from }) => from)),
    to: Math.max(...periods.map(({ to }) => to)),
  }
}
