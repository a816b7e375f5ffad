/** Reads a table of tag values from `.csv`, `.csv.gz` or `.parquet`; a bad cell is refused with its row and column. */
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'
import { readParquet } from './parquet.ts'
import { parseTimes } from './time.ts'

/** Header names taken for the time when none is given. */
const TIME_NAMES = /^(time|timestamp|datetime|date_?time|date|at)$/i
/** A gzip bomb must not eat the memory: 1 GiB of text is 20 years of 20 tags by the minute. */
const MAX_BYTES = 1 << 30

export interface Table {
  file: string
  names: string[]
  /** Instants in ms, ascending, one per row; undefined where the file has no time column. */
  at?: Float64Array
  /** The time cells as written, in the same order. */
  timeText?: string[]
  /** One column per name; NaN where the cell is empty. */
  columns: Float64Array[]
  rows: number
}

/** Reads the file; `timeColumn` names the column of instants (otherwise found by its name). */
export async function readTable(file: string, timeColumn?: string): Promise<Table> {
  if (!file.endsWith('.parquet')) return parseTable(await readText(file), file, timeColumn)
  const findTime = (header: readonly string[]) => findTimeColumn(header, file, timeColumn)
  const { at, timeText, ...table } = await readParquet({ file, findTime })
  return at && timeText ? sortByTime({ file, ...table, at, timeText }) : { file, ...table }
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file)
    if (!file.endsWith('.gz')) return bytes.toString('utf8')
    return (await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES })).toString('utf8')
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('table.invalid', { file, row: 0, column: '-', problem }, { cause: error })
  }
}

/** The same from text; rows are counted from 1, the header being row 1. */
export function parseTable(text: string, file: string, timeColumn?: string): Table {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  const separator = findSeparator(lines[0] ?? '')
  const header = splitLine(lines[0] ?? '', separator).map((name) => name.trim())
  checkHeader(header, file)
  const timeAt = findTimeColumn(header, file, timeColumn)
  const names = header.filter((_, i) => i !== timeAt)
  const rows = lines.length - 1
  const columns = names.map(() => new Float64Array(rows))
  const timeText: string[] = []
  for (let row = 0; row < rows; row++) {
    const cells = splitLine(lines[row + 1] ?? '', separator)
    if (cells.length !== header.length) {
      const problem = `${cells.length} cells where the header has ${header.length}`
      throw new Fault('table.invalid', { file, row: row + 2, column: '-', problem })
    }
    let column = 0
    cells.forEach((cell, i) => {
      const place = { file, row: row + 2, column: header[i] ?? '-' }
      if (i === timeAt) timeText.push(cell)
      else setValue(columns[column++], row, parseNumber(cell, place))
    })
  }
  if (timeAt < 0) return { file, names, columns, rows }
  const at = parseTimes(timeText, { file, column: header[timeAt] ?? '-' })
  return sortByTime({ file, names, at, timeText, columns, rows })
}

function setValue(column: Float64Array | undefined, row: number, value: number): void {
  if (column) column[row] = value
}

interface Place {
  file: string
  row: number
  column: string
}

function checkHeader(header: readonly string[], file: string): void {
  header.forEach((name, i) => {
    const double = header.indexOf(name) !== i
    const problem = name === '' ? 'the column has no name' : 'the name is there twice'
    if (name === '' || double)
      throw new Fault('table.invalid', { file, row: 1, column: name || i + 1, problem })
  })
}

function findTimeColumn(header: readonly string[], file: string, wanted?: string): number {
  if (wanted === undefined) return header.findIndex((name) => TIME_NAMES.test(name))
  const found = header.indexOf(wanted)
  const problem = `no such column; there are ${header.join(', ')}`
  if (found < 0) throw new Fault('table.invalid', { file, row: 1, column: wanted, problem })
  return found
}

function findSeparator(header: string): string {
  const counts = [',', ';', '\t'].map((mark) => ({ mark, count: header.split(mark).length }))
  return counts.reduce((best, one) => (one.count > best.count ? one : best)).mark
}

/** RFC 4180 quoting within one line; a quoted line break is not a measurement. */
function splitLine(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator)
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? ''
    if (char === '"' && quoted && line[i + 1] === '"') cell += line[i++]
    else if (char === '"') quoted = !quoted
    else if (char === separator && !quoted) {
      cells.push(cell)
      cell = ''
    } else cell += char
  }
  return [...cells, cell]
}

function parseNumber(cell: string, place: Place): number {
  const text = cell.trim()
  if (text === '' || text === 'NaN') return Number.NaN
  const value = Number(text)
  if (Number.isFinite(value)) return value
  const problem = `"${text.slice(0, 40)}" is not a number`
  throw new Fault('table.invalid', { ...place, problem })
}

/** Ascending by time, equal times in the order of the file. */
function sortByTime(table: Table & { at: Float64Array; timeText: string[] }): Table {
  const { at, timeText, columns, rows } = table
  const order = Uint32Array.from({ length: rows }, (_, i) => i)
  order.sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b)
  const pick = (column: Float64Array) => Float64Array.from(order, (i) => column[i] ?? Number.NaN)
  return {
    ...table,
    at: pick(at),
    timeText: Array.from(order, (i) => timeText[i] ?? ''),
    columns: columns.map(pick),
  }
}
