/** Reads a table of tag values from `.csv`, `.csv.gz` or `.parquet`; a bad cell is refused with its row and column. */
import { Fault } from '../../protocol/kit/fault.ts'
import { readCells, readText } from './csv-text.ts'
import { readParquet } from './parquet.ts'
import { parseTimes } from './time.ts'

/** Header names taken for the time when none is given. */
const TIME_NAMES = /^(time|timestamp|datetime|date_?time|date|at)$/i

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

/** The same from text; rows are counted from 1, the header being row 1. */
export function parseTable(text: string, file: string, timeColumn?: string): Table {
  let timeAt = -1
  let columns: Float64Array[] = []
  let rows = 0
  const timeText: string[] = []
  const header = readCells(text, file, (found, count) => {
    timeAt = findTimeColumn(found, file, timeColumn)
    rows = count
    columns = found.filter((_, i) => i !== timeAt).map(() => new Float64Array(count))
    return (cells, row) => {
      let column = 0
      cells.forEach((cell, i) => {
        const place = { file, row: row + 2, column: found[i] ?? '-' }
        if (i === timeAt) timeText.push(cell)
        else setValue(columns[column++], row, parseNumber(cell, place))
      })
    }
  })
  const names = header.filter((_, i) => i !== timeAt)
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

function findTimeColumn(header: readonly string[], file: string, wanted?: string): number {
  if (wanted === undefined) return header.findIndex((name) => TIME_NAMES.test(name))
  const found = header.indexOf(wanted)
  const problem = `no such column; there are ${header.join(', ')}`
  if (found < 0) throw new Fault('table.invalid', { file, row: 1, column: wanted, problem })
  return found
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
