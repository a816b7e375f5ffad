/** Cycles from a table of samples: the rows of one unit are one cycle, with its features and its label. */
import { Fault } from '../../../protocol/kit/fault.ts'
import {
  getCells,
  getFilledCells,
  parseNumbers,
  parseTimeColumn,
  readTextTable,
} from '../text-table.ts'
import type { FeatureTable } from './bins.ts'
import { chooseParts, countFeatures, measureCycle } from './cycle-features.ts'

export interface CycleColumns {
  file: string
  /** Names the cycle. */
  unit: string
  /** Orders the rows in it, and the cycles. */
  time: string
  /** The label; read only where it is asked for. */
  label?: string
  /** Tags to read; every other column when left out. */
  tags?: readonly string[]
  /** Parts per cycle; found from the usual length when left out. */
  parts?: number
}

export interface Cycles {
  file: string
  tags: string[]
  parts: number
  /** Names of the cycles, by the time of their first row. */
  units: string[]
  /** '' where the cycle has none. */
  labels: string[]
  table: FeatureTable
  /** Rows of the file. */
  rows: number
}

/** Fault 'table.invalid' names the bad row and column. */
export async function readCycles(columns: CycleColumns): Promise<Cycles> {
  const { file, unit, time, label } = columns
  const source = await readTextTable(file)
  const noRows = 'there are no rows'
  if (source.rows === 0)
    throw new Fault('table.invalid', { file, row: 2, column: unit, problem: noRows })
  const names = getFilledCells(source, unit)
  const { at } = parseTimeColumn(source, time)
  const spoken = [unit, time, label]
  const tags = columns.tags ?? source.names.filter((name) => !spoken.includes(name))
  const values = tags.map((tag) => parseNumbers(source, tag))
  const rowsOf = groupRows(names, at)
  const lengths = Array.from(rowsOf.values(), (rows) => rows.length).sort((a, b) => a - b)
  const parts = columns.parts ?? chooseParts(lengths[lengths.length >> 1] ?? 0)
  const width = tags.length * countFeatures(parts)
  const table = { rows: rowsOf.size, width, values: new Float32Array(rowsOf.size * width) }
  ;[...rowsOf.values()].forEach((rows, cycle) => {
    const own = values.flatMap((column) =>
      measureCycle(
        rows.map((row) => column[row] ?? Number.NaN),
        parts,
      ),
    )
    table.values.set(own, cycle * width)
  })
  const labelCells = label === undefined ? undefined : getCells(source, label)
  const labels = Array.from(rowsOf, ([name, rows]) =>
    labelCells ? findLabel({ file, name, column: label ?? '-' }, rows, labelCells) : '',
  )
  return {
    file,
    tags: [...tags],
    parts,
    units: [...rowsOf.keys()],
    labels,
    table,
    rows: source.rows,
  }
}

/** Rows of each unit in the order of time; units by their first instant. */
function groupRows(names: readonly string[], at: Float64Array): Map<string, number[]> {
  const order = names.map((_, row) => row).sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b)
  const rowsOf = new Map<string, number[]>()
  for (const row of order) {
    const name = names[row] ?? ''
    const rows = rowsOf.get(name)
    if (rows) rows.push(row)
    else rowsOf.set(name, [row])
  }
  return rowsOf
}

/** One label per cycle; empty cells and NaN say nothing. */
function findLabel(
  place: { file: string; name: string; column: string },
  rows: readonly number[],
  cells: readonly string[],
): string {
  let label = ''
  for (const row of rows) {
    const cell = cells[row] ?? ''
    if (cell === '' || cell === 'NaN') continue
    const { file, name, column } = place
    const problem = `${name} is labelled "${cell}" here and "${label}" before`
    if (label !== '' && cell !== label)
      throw new Fault('table.invalid', { file, row: row + 2, column, problem })
    label = cell
  }
  return label
}
