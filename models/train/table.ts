/** Reads a table of tag values from `.csv`, `.csv.gz` or `.parquet`; a bad cell is refused with its row and column. */
import { Fault } from '../../protocol/kit/fault.ts'
import { formatMode } from '../modes.ts'
import { describeNoNumber, isParquet, parseCell, readCells, readText } from './csv-text.ts'
import { readParquet } from './parquet.ts'
import { isDate, parseTimes } from './time.ts'

/** Header names taken for the time when none is given; without any, the first column whose first cell is a date. */
const TIME_NAMES =
  /^(time|time[ _-]?stamp|t_stamp|date[ _-]?time|date|at|unix[ _-]?time|zeitstempel|日時|時刻)$/i

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
  /** Where each row stands in the file, from 0; left out where the file is in the order of its times. */
  order?: Uint32Array
}

/** Columns that are no tags, and which are. */
export interface NamedColumns {
  /** Of the instants; otherwise found by its name. */
  time?: string
  /** The same where the file has it. */
  usualTime?: string
  /** Of the operating mode, words or numbers. */
  mode?: string
  /** Tags to read; the cells of all other columns may be anything. All when left out. */
  tags?: readonly string[]
}

/** Reads the file: CSV, gzipped or not, or Parquet, by what it holds. */
export async function readTable(file: string, named: NamedColumns = {}): Promise<Table> {
  if (!(await isParquet(file))) return parseTable(await readText(file), file, named)
  const findColumns = (header: readonly string[], isTime: (column: number) => boolean) =>
    findNamed(header, { file, named, isTime })
  const isWanted = createWanted(named)
  const { at, timeText, ...table } = await readParquet({ file, findColumns, isWanted })
  return at && timeText ? sortByTime({ file, ...table, at, timeText }) : { file, ...table }
}

function createWanted({ tags }: NamedColumns): (name: string) => boolean {
  const wanted = tags && new Set(tags)
  return (name) => wanted?.has(name) ?? true
}

/** The same from text; rows are counted from 1, the header being row 1. */
export function parseTable(text: string, file: string, named: NamedColumns = {}): Table {
  let at = { time: -1, mode: -1 }
  const isWanted = createWanted(named)
  let isTag: boolean[] = []
  let columns: Float64Array[] = []
  let rows = 0
  const timeText: string[] = []
  const said: string[] = []
  const header = readCells(text, file, ({ header: found, rows: count, first }) => {
    at = findNamed(found, { file, named, isTime: (i) => isDate(first[i] ?? '') })
    rows = count
    isTag = found.map((name, i) => i !== at.time && i !== at.mode && isWanted(name))
    columns = isTag.filter(Boolean).map(() => new Float64Array(count))
    return (cells, row) => {
      let column = 0
      cells.forEach((cell, i) => {
        const place = { file, row: row + 2, column: found[i] ?? '-' }
        if (i === at.time) timeText.push(cell)
        else if (i === at.mode) said.push(formatMode(cell))
        else if (isTag[i]) setValue(columns[column++], row, parseNumber(cell, place))
      })
    }
  })
  const names = header.filter((_, i) => isTag[i])
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

interface Search {
  file: string
  named: NamedColumns
  isTime: (column: number) => boolean
}

function findNamed(header: readonly string[], { file, named, isTime }: Search) {
  const { time, usualTime, mode } = named
  const others = [...header.keys()].filter((i) => header[i] !== mode)
  const found = [
    others.find((i) => header[i] === usualTime),
    others.find((i) => TIME_NAMES.test(header[i] ?? '')),
    others.find(isTime),
  ].find((i) => i !== undefined)
  return {
    time: time === undefined ? (found ?? -1) : findColumn(header, file, time),
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
  const value = parseCell(cell)
  if (value !== undefined) return value
  throw new Fault('table.invalid', { ...place, problem: describeNoNumber(cell) })
}

/** Ascending by time, equal times in the order of the file. */
function sortByTime(table: Table & { at: Float64Array; timeText: string[] }): Table {
  const { at, timeText, columns, rows, modes } = table
  const order = Uint32Array.from({ length: rows }, (_, i) => i)
  if (at.every((one, row) => row === 0 || one >= (at[row - 1] ?? 0))) return table
  order.sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b)
  const pick = (column: Float64Array) => Float64Array.from(order, (i) => column[i] ?? Number.NaN)
  return {
    ...table,
    order,
    at: pick(at),
    timeText: Array.from(order, (i) => timeText[i] ?? ''),
    columns: columns.map(pick),
    ...(modes && { modes: Array.from(order, (i) => modes[i] ?? '') }),
  }
}
