/** Histories of machines from a table: one life per unit, on a grid of fixed steps, empty where nothing was measured. */
import { Fault } from '../../../protocol/kit/fault.ts'
import { median } from '../../quantiles.ts'
import { getFilledCells, parseNumbers, parseTimeColumn, readTextTable } from '../text-table.ts'
import type { Life } from './life-features.ts'

/** A life is looked at in about this many steps when its rows are more frequent than that is useful. */
const USUAL_STEPS = 200
/** Steps of one life at most: more is a mistake in the time column. */
const MAX_STEPS = 1_000_000

export interface HistoryColumns {
  file: string
  unit: string
  time: string
  /** Tags to read; every other column when left out. */
  tags?: readonly string[]
  /** Length of a step in units of the time column; found from the rows when left out. */
  step?: number
}

export interface Histories {
  file: string
  tags: string[]
  lives: Life[]
  step: number
  timeUnit: 'own' | 'h'
}

/** Units in the order of their first row; Fault 'table.invalid' names the bad row and column. */
export async function readHistories(columns: HistoryColumns): Promise<Histories> {
  const { file, unit, time } = columns
  const table = await readTextTable(file)
  if (table.rows === 0)
    throw new Fault('table.invalid', { file, row: 2, column: unit, problem: 'there are no rows' })
  const units = getFilledCells(table, unit)
  const { at, unit: timeUnit } = parseTimeColumn(table, time)
  const tags = columns.tags ?? table.names.filter((name) => name !== unit && name !== time)
  const values = tags.map((tag) => parseNumbers(table, tag))
  const rowsOf = new Map<string, number[]>()
  units.forEach((name, row) => {
    const rows = rowsOf.get(name)
    if (rows) rows.push(row)
    else rowsOf.set(name, [row])
  })
  for (const rows of rowsOf.values()) rows.sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b)
  const step = columns.step ?? findStep([...rowsOf.values()], at)
  const lives = Array.from(rowsOf, ([name, rows]) => {
    const place = { file, row: (rows.at(-1) ?? 0) + 2, column: time }
    return putOnGrid({ name, rows, step, place }, at, values)
  })
  return { file, tags: [...tags], lives, step, timeUnit }
}

/** The usual distance of rows, times the whole number that brings the usual life to about 200 steps. */
function findStep(rowsOf: readonly number[][], at: Float64Array): number {
  const steps = rowsOf.flatMap((rows) =>
    rows.slice(1).map((row, i) => (at[row] ?? 0) - (at[rows[i] ?? 0] ?? 0)),
  )
  const step = median(steps.filter((one) => one > 0)) || 1
  const spans = rowsOf.map((rows) => (at[rows.at(-1) ?? 0] ?? 0) - (at[rows[0] ?? 0] ?? 0))
  return step * Math.max(1, Math.round(median(spans) / step / USUAL_STEPS))
}

interface Placed {
  name: string
  rows: readonly number[]
  step: number
  place: { file: string; row: number; column: string }
}

/** Rows of the same step are averaged, cell by cell. */
function putOnGrid(
  { name, rows, step, place }: Placed,
  at: Float64Array,
  values: Float64Array[],
): Life {
  const start = at[rows[0] ?? 0] ?? 0
  const bin = (row: number) => Math.floor(((at[row] ?? 0) - start) / step + 0.5)
  const count = bin(rows.at(-1) ?? 0) + 1
  const problem = `the unit ${name} is more than ${MAX_STEPS} steps of ${step} long`
  if (count > MAX_STEPS) throw new Fault('table.invalid', { ...place, problem })
  const width = values.length
  const sums = new Float64Array(count * width)
  const counts = new Uint32Array(count * width)
  for (const row of rows)
    values.forEach((column, tag) => {
      const value = column[row] ?? Number.NaN
      if (Number.isNaN(value)) return
      const to = bin(row) * width + tag
      sums[to] = (sums[to] ?? 0) + value
      counts[to] = (counts[to] ?? 0) + 1
    })
  return { unit: name, count, width, values: sums.map((sum, i) => sum / (counts[i] ?? 0)) }
}

/** The same lives with some of their tags. */
export function pickTags(histories: Histories, kept: readonly number[]): Histories {
  const lives = histories.lives.map((life) => {
    const values = new Float64Array(life.count * kept.length)
    for (let row = 0; row < life.count; row++)
      kept.forEach((tag, i) => {
        values[row * kept.length + i] = life.values[row * life.width + tag] ?? Number.NaN
      })
    return { ...life, width: kept.length, values }
  })
  return { ...histories, lives, tags: kept.map((tag) => histories.tags[tag] ?? '') }
}

/** Tags that change at all, by number. */
export function findLivelyTags({ lives, tags }: Histories): number[] {
  return tags
    .map((_, tag) => tag)
    .filter((tag) => {
      let low = Number.POSITIVE_INFINITY
      let high = Number.NEGATIVE_INFINITY
      for (const { values, width } of lives)
        for (let i = tag; i < values.length; i += width) {
          const value = values[i] ?? Number.NaN
          if (value < low) low = value
          if (value > high) high = value
        }
      return high - low > 1e-9 * Math.max(Math.abs(high), Math.abs(low))
    })
}
