/** Puts a table on a fixed grid by the rule that live scoring uses: the last value, not older than three periods. */
import type { Table } from './table.ts'

/** A value older than this many periods is not held on. */
export const HOLD_PERIODS = 3
/** A grid longer than this comes from a wrong period, not from a plant. */
const MAX_GRID_ROWS = 20_000_000

/** A training does not keep the empty rows of a longer pause than this. */
const PAUSE_PERIODS = 100

/** Rows of `width` values, row by row; a row that is not complete is a gap. */
export interface Rows {
  width: number
  count: number
  values: Float64Array
  /** Instant of row 0 (0 where the table has no time) and the step, ms. */
  startAt: number
  periodMs: number
  /** 1 where the newest row of the table left the cell empty and an older value is held on; left out where none did. */
  empty?: Uint8Array
  /** 1 where the table has no row at all for the instant: what is held on there says nothing new; left out where none is missing. */
  missing?: Uint8Array
  /** The values have more digits than float32 holds, and need them; set by the trainer. */
  exact?: boolean
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
  const holed = table.columns.some((column) => column.some(Number.isNaN))
  const empty = holed ? { empty: new Uint8Array(count * width) } : {}
  const missing = findMissing(times, { startAt, periodMs, count })
  const rows: Rows = { width, count, values, startAt, periodMs, ...empty, ...missing }
  for (let tag = 0; tag < width; tag++) fillColumn(rows, tag, { times, column: table.columns[tag] })
  return rows
}

function findMissing(
  times: Float64Array,
  { startAt, periodMs, count }: Pick<Rows, 'startAt' | 'periodMs' | 'count'>,
): Pick<Rows, 'missing'> {
  const missing = new Uint8Array(count).fill(1)
  for (const at of times) missing[Math.ceil((at - startAt) / periodMs)] = 0
  return missing.includes(1) ? { missing } : {}
}

/**
 * The same for a training: a pause of many periods becomes one empty row, so that a week in January and a day in June
 * do not cost half a year of rows. Instants are those of the first stretch.
 */
export function createTrainingRows(table: Table, periodMs: number): Rows | undefined {
  const bounds = findPauses(table, periodMs)
  if (bounds.length === 2) return createRows(table, periodMs)
  const parts: Rows[] = []
  let count = -1
  for (const [i, to] of bounds.slice(1).entries()) {
    const part = createRows(cutTable(table, bounds[i] ?? 0, to), periodMs)
    if (!part || count + part.count + 1 > MAX_GRID_ROWS) return undefined
    count += part.count + 1
    parts.push(part)
  }
  const [first] = parts
  if (!first) return undefined
  const { width, startAt } = first
  const values = new Float64Array(count * width).fill(Number.NaN)
  const empty = new Uint8Array(count * width)
  let at = 0
  for (const part of parts) {
    values.set(part.values, at)
    if (part.empty) empty.set(part.empty, at)
    at += (part.count + 1) * width
  }
  return { width, count, values, startAt, periodMs, ...(empty.includes(1) ? { empty } : {}) }
}

/** Rows of the table at which a stretch begins, and the end. */
function findPauses({ at, rows }: Table, periodMs: number): number[] {
  const bounds = [0]
  for (let row = 1; row < (at?.length ?? 0); row++)
    if ((at?.[row] ?? 0) - (at?.[row - 1] ?? 0) > PAUSE_PERIODS * periodMs) bounds.push(row)
  return [...bounds, rows]
}

function cutTable(table: Table, from: number, to: number): Table {
  const columns = table.columns.map((column) => column.subarray(from, to))
  return { ...table, columns, rows: to - from, at: table.at?.subarray(from, to) }
}

function fillColumn(
  { width, count, values, startAt, periodMs, empty }: Rows,
  tag: number,
  { times, column }: { times: Float64Array; column: Float64Array | undefined },
): void {
  let next = 0
  let value = Number.NaN
  let heldAt = Number.NEGATIVE_INFINITY
  let isEmpty = false
  for (let row = 0; row < count; row++) {
    const at = startAt + row * periodMs
    for (; next < times.length && (times[next] ?? 0) <= at; next++) {
      const cell = column?.[next] ?? Number.NaN
      isEmpty = Number.isNaN(cell)
      if (isEmpty) continue
      value = cell
      heldAt = times[next] ?? 0
    }
    if (at - heldAt <= HOLD_PERIODS * periodMs) values[row * width + tag] = value
    if (isEmpty && empty) empty[row * width + tag] = 1
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
  const { count, width } = rows
  const values = new Float64Array(count * columns.length)
  const empty = rows.empty ? new Uint8Array(values.length) : undefined
  for (let row = 0; row < count; row++)
    columns.forEach((column, i) => {
      const at = row * columns.length + i
      values[at] = rows.values[row * width + column] ?? Number.NaN
      if (empty) empty[at] = rows.empty?.[row * width + column] ?? 0
    })
  const { empty: _, ...rest } = rows
  return { ...rest, width: columns.length, values, ...(empty ? { empty } : {}) }
}
