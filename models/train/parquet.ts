/** Reads a Parquet file as a table of numbers, through DuckDB; loaded only when such a file is given. */
import { Fault } from '../../protocol/kit/fault.ts'
import { formatMode } from '../modes.ts'
import { parseTimes } from './time.ts'

/** Types that become a number without loss that matters to a detector. */
const NUMERIC =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U[A-Z]+INT\w*|FLOAT|DOUBLE|BOOLEAN|DECIMAL\(\d+,\d+\))$/
const INSTANT = /^(TIMESTAMP|DATE)/
/** DuckDB's pattern for 2020-03-09T10:14:33.000Z. */
const AS_ISO = '%Y-%m-%dT%H:%M:%S.%gZ'
/** Beside everything else on a small box. */
export const DUCKDB_SETTINGS = { memory_limit: '512MB', threads: '2' }
/** An instant with a zone is turned into text in the session's zone, which is otherwise that of the machine. */
export const AS_UTC = "set timezone = 'UTC'"

export interface ParquetColumns {
  names: string[]
  /** One per name, NaN where the cell is null. */
  columns: Float64Array[]
  rows: number
  /** Instants in ms, and as text, where there is a time column. */
  at?: Float64Array
  timeText?: string[]
  /** The operating mode of each row, where there is a column of it. */
  modes?: string[]
}

/** Where the columns that are no tags stand among the header's names; -1 for none. */
interface Named {
  time: number
  mode: number
}

interface Source {
  file: string
  /** `isTime` of the type of a column. */
  findColumns: (header: readonly string[], isTime: (column: number) => boolean) => Named
  /** Whether a column is read at all: the others may be of any type. */
  isWanted: (name: string) => boolean
}

/** Rows in the order of the file; Fault 'table.invalid' names the column that is no number, or what DuckDB said. */
export async function readParquet(source: Source): Promise<ParquetColumns> {
  const { file } = source
  try {
    return await readColumns(source)
  } catch (error) {
    if (error instanceof Fault) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('table.invalid', { file, row: 0, column: '-', problem }, { cause: error })
  }
}

async function readColumns({ file, findColumns, isWanted }: Source): Promise<ParquetColumns> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', DUCKDB_SETTINGS)
  try {
    const connection = await instance.connect()
    await connection.run(AS_UTC)
    const query = async (sql: string) =>
      (await connection.runAndReadAll(sql, [file])).getColumnsJS() as unknown[][]
    const [names = [], types = []] = await query('describe select * from read_parquet(?)')
    const all = names.map(String)
    const found = findColumns(all, (i) => INSTANT.test(String(types[i])))
    const kept = [...all.keys()].filter(
      (i) => i === found.time || i === found.mode || isWanted(all[i] ?? ''),
    )
    const header = kept.map((i) => all[i] ?? '')
    const named = { time: kept.indexOf(found.time), mode: kept.indexOf(found.mode) }
    const picked = header.map((name, i) =>
      i === named.mode
        ? `${quoteName(name)}::varchar`
        : selectColumn({ file, name, type: String(types[kept[i] ?? -1]) }, i === named.time),
    )
    // A row even where no column is wanted: how many there are is known then.
    const cells = await query(`select ${[...picked, '1'].join(', ')} from read_parquet(?)`)
    return collect({
      file,
      header,
      named,
      cells: cells.slice(0, -1),
      rows: cells.at(-1)?.length ?? 0,
    })
  } finally {
    instance.closeSync()
  }
}

const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`

function selectColumn(
  { file, name, type }: { file: string; name: string; type: string },
  isTime: boolean,
): string {
  const quoted = quoteName(name)
  if (INSTANT.test(type) && isTime) return `strftime(${quoted}::timestamp, '${AS_ISO}')`
  if (NUMERIC.test(type)) return `${quoted}::double`
  if (type === 'VARCHAR' && isTime) return quoted
  const problem = `its cells are ${type}, not numbers: leave the column out`
  throw new Fault('table.invalid', { file, row: 1, column: name, problem })
}

interface Cells {
  file: string
  header: string[]
  named: Named
  cells: unknown[][]
  rows: number
}

function collect({ file, header, named, cells, rows }: Cells): ParquetColumns {
  const { time, mode } = named
  const isTag = (_: unknown, i: number) => i !== time && i !== mode
  const names = header.filter(isTag)
  const columns = cells
    .filter(isTag)
    .map((column, tag) =>
      Float64Array.from(column, (cell, row) =>
        readNumber(cell, { file, row, column: names[tag] ?? '-' }),
      ),
    )
  const modes = mode < 0 ? {} : { modes: (cells[mode] ?? []).map(formatMode) }
  if (time < 0) return { names, columns, rows, ...modes }
  const own = cells[time] ?? []
  const column = header[time] ?? '-'
  const empty = own.indexOf(null)
  const problem = 'the time is empty'
  if (empty >= 0) throw new Fault('table.invalid', { file, row: empty + 1, column, problem })
  const timeText = own.map(String)
  return { names, columns, rows, at: parseTimes(timeText, { file, column }), timeText, ...modes }
}

/** NaN for null; an infinite measurement is refused. */
function readNumber(
  cell: unknown,
  { row, ...place }: { file: string; row: number; column: string },
): number {
  const value = cell === null ? Number.NaN : Number(cell)
  const problem = `${value} is not a measurement: leave the cell of an unknown value empty`
  if (Math.abs(value) === Number.POSITIVE_INFINITY)
    throw new Fault('table.invalid', { ...place, row: row + 1, problem })
  return value
}
