/** Reads a table of tag values from `.csv`, `.csv.gz` or `.parquet`; a bad cell is refused with its row and column. */
import { Fault } from '../../protocol/kit/fault.ts'
import { formatMode } from '../modes.ts'
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
  /** The operating mode of each row as `formatMode` writes it, '' where the row does not say; is no column. */
  modes?: readonly string[]
  rows: number
}

/** Columns that are no tags. */
interface NamedColumns {
  /** Of the instants; otherwise found by its name. */
  time?: string
  /** Of the operating mode, words or numbers. */
  mode?: string
}

/** Reads the file; `timeColumn` names the column of instants, `modeColumn` that of the operating mode. */
export async function readTable(
  file: string,
  timeColumn?: string,
  modeColumn?: string,
): Promise<Table> {
  const named = { time: timeColumn, mode: modeColumn }
  if (!file.endsWith('.parquet')) return parseTable(await readText(file), file, named)
  const findColumns = (header: readonly string[]) => findNamed(header, file, named)
  const { at, timeText, ...table } = await readParquet({ file, findColumns })
  return at && timeText ? sortByTime({ file, ...table, at, timeText }) : { file, ...table }
}

/** The same from text; rows are counted from 1, the header being row 1. */
export function parseTable(text: string, file: string, named: NamedColumns = {}): Table {
  let at = { time: -1, mode: -1 }
  let columns: Float64Array[] = []
  let rows = 0
  const timeText: string[] = []
  const said: string[] = []
  const header = readCells(text, file, (found, count) => {
    at = findNamed(found, file, named)
    rows = count
    columns = found
      .filter((_, i) => i !== at.time && i !== at.mode)
      .map(() => new Float64Array(count))
    return (cells, row) => {
      let column = 0
      cells.forEach((cell, i) => {
        const place = { file, row: row + 2, column: found[i] ?? '-' }
        if (i === at.time) timeText.push(cell)
        else if (i === at.mode) said.push(formatMode(cell))
        else setValue(columns[column++], row, parseNumber(cell, place))
      })
    }
  })
  const names = header.filter((_, i) => i !== at.time && i !== at.mode)
  const modes = at.mode < 0 ? {} : { modes: said }
  if (at.time < 0) return { file, names, columns, rows, ...modes }
  const instants = parseTimes(timeText, { file, column: header[at.time] ?? '-' })
  return sortByTime({ file, names, at: instants, timeText, columns, rows, ...modes })
}

function setValue(column: Float64Array | undefined, row: number, value: number): void {
  if (column) column[row] = value
}

interface Place {
  file: string
  row: number
  column: string
}

function findNamed(header: readonly string[], file: string, { time, mode }: NamedColumns) {
  const byName = header.findIndex((name) => name !== mode && TIME_NAMES.test(name))
  return {
    time: time === undefined ? byName : findColumn(header, file, time),
    mode: mode === undefined ? -1 : findColumn(header, file, mode),
  }
}

function findColumn(header: readonly string[], file: string, wanted: string): number {
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
  const { at, timeText, columns, rows, modes } = table
  const order = Uint32Array.from({ length: rows }, (_, i) => i)
  order.sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b)
  const pick = (column: Float64Array) => Float64Array.from(order, (i) => column[i] ?? Number.NaN)
  return {
    ...table,
    at: pick(at),
    timeText: Array.from(order, (i) => timeText[i] ?? ''),
    columns: columns.map(pick),
    ...(modes && { modes: Array.from(order, (i) => modes[i] ?? '') }),
  }
}
