/** Reads a table whose cells may be words (a unit, a label) from `.csv`, `.csv.gz` or `.parquet`; bad cells have a row and column. */
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'
import { parseTimes } from './time.ts'

/** A gzip bomb must not eat the memory. */
const MAX_BYTES = 1 << 30
/** The first data row of a file: the header is row 1. */
const FIRST_ROW = 2
/** Beside everything else on a small box. */
const DUCKDB_SETTINGS = { memory_limit: '512MB', threads: '2' }

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
    if (file.endsWith('.parquet')) return await readParquetCells(file)
    const bytes = await readFile(file)
    const plain = file.endsWith('.gz')
      ? await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES })
      : bytes
    return parseTextTable(plain.toString('utf8'), file)
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
    const sql = 'select columns(*)::varchar from read_parquet(?)'
    const reader = await connection.runAndReadAll(sql, [file])
    const names = reader.columnNames()
    const cells = reader
      .getColumnsJS()
      .map((column) => column.map((cell) => (cell === null ? '' : String(cell).trim())))
    return checked({ file, names, rows: cells[0]?.length ?? 0, cells })
  } finally {
    instance.closeSync()
  }
}

/** The same from CSV text with commas, semicolons or tabs. */
export function parseTextTable(text: string, file: string): TextTable {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  const [head = '', ...body] = lines
  const marks = [',', ';', '\t'].map((mark) => ({ mark, count: head.split(mark).length }))
  const { mark } = marks.reduce((best, one) => (one.count > best.count ? one : best))
  const names = splitCells(head, mark)
  const cells: string[][] = names.map(() => [])
  body.forEach((line, row) => {
    const own = splitCells(line, mark)
    if (own.length !== names.length) {
      const problem = `${own.length} cells where the header has ${names.length}`
      throw new Fault('table.invalid', { file, row: row + FIRST_ROW, column: '-', problem })
    }
    own.forEach((cell, i) => {
      cells[i]?.push(cell)
    })
  })
  return checked({ file, names, rows: body.length, cells })
}

function checked(table: TextTable): TextTable {
  const { file, names } = table
  names.forEach((name, i) => {
    const problem = name === '' ? 'the column has no name' : 'the name is there twice'
    if (name === '' || names.indexOf(name) !== i)
      throw new Fault('table.invalid', { file, row: 1, column: name || i + 1, problem })
  })
  return table
}

/** RFC 4180 quoting within one line. */
function splitCells(line: string, mark: string): string[] {
  if (!line.includes('"')) return line.split(mark).map((cell) => cell.trim())
  const plain = `[^"${mark}]*`
  const pattern = new RegExp(`${mark}(?:\\s*"((?:[^"]|"")*)"\\s*|(${plain}))(?=${mark}|$)`, 'g')
  return Array.from(`${mark}${line}`.matchAll(pattern), ([, quoted, bare = '']) =>
    (quoted?.replaceAll('""', '"') ?? bare).trim(),
  )
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
    if (cell === '' || cell === 'NaN') return Number.NaN
    const value = Number(cell)
    if (Number.isFinite(value)) return value
    const problem = `"${cell.slice(0, 40)}" is not a number`
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
