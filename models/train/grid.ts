/** Puts a table on a fixed grid by the rule that live scoring uses: the last value, not older than three periods. */
import type { Table } from './table.ts'

/** A value older than this many periods is not held on. */
export const HOLD_PERIODS = 3
/** A grid longer than this comes from a wrong period, not from a plant. */
const MAX_GRID_ROWS = 20_000_000

/** Rows of `width` values, row by row; a row that is not complete is a gap. */
export interface Rows {
  width: number
  count: number
  values: Float64Array
  /** Instant of row 0 (0 where the table has no time) and the step, ms. */
  startAt: number
  periodMs: number
}

/** The most frequent time step, ms; 1000 where the table has no time. */
export function findPeriod(table: Table): number {
  const counts = new Map<number, number>()
  for (let i = 1; i < (table.at?.length ?? 0); i++) {
    const step = (table.at?.[i] ?? 0) - (table.at?.[i - 1] ?? 0)
    if (step > 0) counts.set(step, (counts.get(step) ?? 0) + 1)
  }
  let best = 1000
  let most = 0
  for (const [step, count] of counts)
    if (count > most || (count === most && step < best)) [best, most] = [step, count]
  return best
}

/** Grid rows at the multiples of the period; NaN where a tag has no value young enough. */
export function createRows(table: Table, periodMs: number): Rows | undefined {
  const width = table.columns.length
  const times = table.at ?? Float64Array.from({ length: table.rows }, (_, i) => i * periodMs)
  const startAt = Math.ceil((times[0] ?? 0) / periodMs) * periodMs
  const endAt = Math.ceil((times.at(-1) ?? 0) / periodMs) * periodMs
  const count = table.rows === 0 ? 0 : Math.round((endAt - startAt) / periodMs) + 1
  if (count > MAX_GRID_ROWS) return undefined
  const values = new Float64Array(count * width).fill(Number.NaN)
  const rows = { width, count, values, startAt, periodMs }
  for (let tag = 0; tag < width; tag++) fillColumn(rows, tag, { times, column: table.columns[tag] })
  return rows
}

function fillColumn(
  { width, count, values, startAt, periodMs }: Rows,
  tag: number,
  { times, column }: { times: Float64Array; column: Float64Array | undefined },
): void {
  let next = 0
  let value = Number.NaN
  let heldAt = Number.NEGATIVE_INFINITY
  for (let row = 0; row < count; row++) {
    const at = startAt + row * periodMs
    for (; next < times.length && (times[next] ?? 0) <= at; next++) {
      const cell = column?.[next] ?? Number.NaN
      if (Number.isNaN(cell)) continue
      value = cell
      heldAt = times[next] ?? 0
    }
    if (at - heldAt <= HOLD_PERIODS * periodMs) values[row * width + tag] = value
  }
}

/** Stretches of complete rows, as [from, to) pairs. */
export function findSegments(rows: Rows): [number, number][] {
  const segments: [number, number][] = []
  let from = -1
  for (let row = 0; row <= rows.count; row++) {
    const whole = row < rows.count && isComplete(rows, row)
    if (whole && from < 0) from = row
    if (!whole && from >= 0) {
      segments.push([from, row])
      from = -1
    }
  }
  return segments
}

function isComplete({ width, values }: Rows, row: number): boolean {
  for (let tag = 0; tag < width; tag++) if (Number.isNaN(values[row * width + tag])) return false
  return true
}

/** The same rows with only some of the columns. */
export function pickColumns(rows: Rows, columns: readonly number[]): Rows {
  const values = new Float64Array(rows.count * columns.length)
  for (let row = 0; row < rows.count; row++)
    columns.forEach((column, i) => {
      values[row * columns.length + i] = rows.values[row * rows.width + column] ?? Number.NaN
    })
  return { ...rows, width: columns.length, values }
}
