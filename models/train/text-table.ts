/** Reads a table whose cells may be words (a unit, a label) from `.csv`, `.csv.gz` or `.parquet`; bad cells have a row and column. */
import { Fault } from '../../protocol/kit/fault.ts'
import {
  checkHeader,
  describeNoNumber,
  isParquet,
  parseCell,
  readCells,
  readText,
} from './csv-text.ts'
import { AS_UTC, DUCKDB_SETTINGS } from './parquet.ts'
import { parseTimes } from './time.ts'

/** The first data row of a file: the header is row 1. */
const FIRST_ROW = 2

export interface TextTable {
  file: string
  names: string[]
  rows: number
  /** One column per name, trimmed, '' where the cell is empty. */
  cells: string[][]
}

/** Rows in the order of the file. */
export async function readTextTable(file: string): Promise<TextTable> {
  try {
    if (await isParquet(file)) return await readParquetCells(file)
    return parseTextTable(await readText(file), file)
  } catch (error) {
    if (error instanceof Fault) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('table.invalid', { file, row: 0, column: '-', problem }, { cause: error })
  }
}

async function readParquetCells(file: string): Promise<TextTable> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', DUCKDB_SETTINGS)
  try {
    const connection = await instance.connect()
    await connection.run(AS_UTC)
    const sql = 'select columns(*)::varchar from read_parquet(?)'
    const reader = await connection.runAndReadAll(sql, [file])
    const names = reader.columnNames()
    const cells = reader
      .getColumnsJS()
      .map((column) => column.map((cell) => (cell === null ? '' : String(cell).trim())))
    checkHeader(names, file)
    return { file, names, rows: cells[0]?.length ?? 0, cells }
  } finally {
    instance.closeSync()
  }
}

/** The same from CSV text with commas, semicolons or tabs. */
export function parseTextTable(text: string, file: string): TextTable {
  let rows = 0
  let cells: string[][] = []
  const names = readCells(text, file, ({ header, rows: count }) => {
    rows = count
    cells = header.map(() => [])
    return (own) =>
      own.forEach((cell, i) => {
        cells[i]?.push(cell.trim())
      })
  })
  return { file, names, rows, cells }
}

/** The cells of a column; Fault 'table.invalid' when there is none of that name. */
export function getCells(table: TextTable, name: string): string[] {
  const found = table.cells[table.names.indexOf(name)]
  const problem = `no such column; there are ${table.names.join(', ')}`
  if (!found) throw new Fault('table.invalid', { file: table.file, row: 1, column: name, problem })
  return found
}

/** The cells of a column that may not be empty. */
export function getFilledCells(table: TextTable, name: string): string[] {
  const cells = getCells(table, name)
  const empty = cells.indexOf('')
  const place = { file: table.file, row: empty + FIRST_ROW, column: name }
  if (empty >= 0) throw new Fault('table.invalid', { ...place, problem: 'the cell is empty' })
  return cells
}

/** NaN where a cell is empty. */
export function parseNumbers(table: TextTable, name: string): Float64Array {
  return Float64Array.from(getCells(table, name), (cell, row) => {
    const value = parseCell(cell)
    if (value !== undefined) return value
    const problem = describeNoNumber(cell)
    throw new Fault('table.invalid', {
      file: table.file,
      row: row + FIRST_ROW,
      column: name,
      problem,
    })
  })
}

/** A counter or clock that is a number keeps its own unit; dates become hours. */
export interface TimeColumn {
  at: Float64Array
  unit: 'own' | 'h'
}

const HOUR_MS = 3_600_000

/** The column that orders the rows of a unit: cycles, hours, Unix seconds, or dates. */
export function parseTimeColumn(table: TextTable, name: string): TimeColumn {
  const cells = getFilledCells(table, name)
  if (cells.every((cell) => Number.isFinite(Number(cell))))
    return { at: Float64Array.from(cells, Number), unit: 'own' }
  const instants = parseTimes(cells, { file: table.file, column: name })
  return { at: instants.map((ms) => ms / HOUR_MS), unit: 'h' }
}
