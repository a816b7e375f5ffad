/** Reads a Parquet file as a table of numbers, through DuckDB; loaded only when such a file is given. */
import { Fault } from '../../protocol/kit/fault.ts'
import { parseTimes } from './time.ts'

/** Types that become a number without loss that matters to a detector. */
const NUMERIC =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U[A-Z]+INT\w*|FLOAT|DOUBLE|BOOLEAN|DECIMAL)/
const INSTANT = /^(TIMESTAMP|DATE)/
/** DuckDB's pattern for 2020-03-09T10:14:33.000Z. */
const AS_ISO = '%Y-%m-%dT%H:%M:%S.%gZ'
/** Beside everything else on a small box. */
const SETTINGS = { memory_limit: '512MB', threads: '2' }

export interface ParquetColumns {
  names: string[]
  /** One per name, NaN where the cell is null. */
  columns: Float64Array[]
  rows: number
  /** Instants in ms, and as text, where there is a time column. */
  at?: Float64Array
  timeText?: string[]
}

interface Source {
  file: string
  /** Where the time column stands among the header's names; -1 for none. */
  findTime: (header: readonly string[]) => number
}

/** Rows in the order of the file; Fault 'table.invalid' names the column that is no number, or what DuckDB said. */
export async function readParquet({ file, findTime }: Source): Promise<ParquetColumns> {
  try {
    return await readColumns({ file, findTime })
  } catch (error) {
    if (error instanceof Fault) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('table.invalid', { file, row: 0, column: '-', problem }, { cause: error })
  }
}

async function readColumns({ file, findTime }: Source): Promise<ParquetColumns> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', SETTINGS)
  try {
    const connection = await instance.connect()
    const query = async (sql: string) =>
      (await connection.runAndReadAll(sql, [file])).getColumnsJS() as unknown[][]
    const [names = [], types = []] = await query('describe select * from read_parquet(?)')
    const header = names.map(String)
    const time = findTime(header)
    const picked = header.map((name, i) =>
      selectColumn({ file, name, type: String(types[i]) }, i === time),
    )
    const cells = await query(`select ${picked.join(', ')} from read_parquet(?)`)
    return collect({ file, header, time, cells })
  } finally {
    instance.closeSync()
  }
}

function selectColumn(
  { file, name, type }: { file: string; name: string; type: string },
  isTime: boolean,
): string {
  const quoted = `"${name.replaceAll('"', '""')}"`
  if (INSTANT.test(type) && isTime) return `strftime(${quoted}::timestamp, '${AS_ISO}')`
  if (NUMERIC.test(type)) return `${quoted}::double`
  if (type === 'VARCHAR' && isTime) return quoted
  const problem = `its cells are ${type}, not numbers`
  throw new Fault('table.invalid', { file, row: 1, column: name, problem })
}

interface Cells {
  file: string
  header: string[]
  time: number
  cells: unknown[][]
}

function collect({ file, header, time, cells }: Cells): ParquetColumns {
  const names = header.filter((_, i) => i !== time)
  const columns = cells
    .filter((_, i) => i !== time)
    .map((column) =>
      Float64Array.from(column, (cell) => (cell === null ? Number.NaN : Number(cell))),
    )
  const rows = cells[0]?.length ?? 0
  if (time < 0) return { names, columns, rows }
  const own = cells[time] ?? []
  const column = header[time] ?? '-'
  const empty = own.indexOf(null)
  const problem = 'the time is empty'
  if (empty >= 0) throw new Fault('table.invalid', { file, row: empty + 1, column, problem })
  const timeText = own.map(String)
  return { names, columns, rows, at: parseTimes(timeText, { file, column }), timeText }
}
