/** The public recordings of a benchmark, read where they lie: they are test data and no part of the product. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readTable, type Table } from '../train/table.ts'

const BESIDE = resolve(import.meta.dirname, '../../../shared/data')

/** A table of tags and, beside it, what was labelled as anomalous. */
export interface Labelled {
  tags: Table
  labels: boolean[]
}

/** Where the recordings are: `MIMAMORI_BENCH_DATA`, else `shared/data` beside the checkout; undefined: nowhere. */
export function findRecordings(): string | undefined {
  const folder = process.env.MIMAMORI_BENCH_DATA ?? BESIDE
  return existsSync(folder) ? folder : undefined
}

export const NO_RECORDINGS =
  'the public recordings are not here: put them into ../shared/data or set MIMAMORI_BENCH_DATA to their folder'

/** SKAB: one labelled table a file; `anomaly-free` has no labels and is left out. */
export async function readSkab(folder: string): Promise<Labelled[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.csv.gz'))
  const labelled = files.filter((file) => !file.startsWith('anomaly-free')).sort()
  return await Promise.all(
    labelled.map(async (file) => {
      const table = await readTable(join(folder, file), { time: 'datetime' })
      return splitLabels(table, 'anomaly', ['changepoint'])
    }),
  )
}

/** BATADAL dataset03 (normal) and dataset04 (attacks). */
export async function readBatadal(folder: string): Promise<{ train: Table; test: Labelled }> {
  const read = async (file: string) =>
    splitLabels(await readTable(join(folder, file), { time: 'DATETIME' }), 'ATT_FLAG', [])
  const { tags: train } = await read('dataset03.csv.gz')
  return { train, test: await read('dataset04.csv.gz') }
}

/** Tennessee Eastman: the training run, and a test run per fault number (0: none); only the faults that are there. */
export async function readTep(
  folder: string,
): Promise<{ train: Table; tests: Map<number, Table> }> {
  const read = async (file: string): Promise<number[][]> => {
    const text = gunzipSync(await readFile(join(folder, file))).toString('utf8')
    const lines = text.trim().split('\n')
    return lines.map((line) => line.trim().split(/\s+/).map(Number))
  }
  const train = createTepTable(await read('d00.dat.gz'))
  const tests = new Map<number, Table>()
  for (const file of (await readdir(folder)).sort()) {
    const [, number] = /^d(\d\d)_te\.dat\.gz$/.exec(file) ?? []
    if (number === undefined) continue
    const rows = await read(file)
    tests.set(
      Number(number),
      createTepTable((rows[0] ?? []).map((_, j) => rows.map((row) => row[j] ?? 0))),
    )
  }
  return { train, tests }
}

/** XMEAS 1 to 41, then XMV 1 to 11; the training file lies on its side, one line a tag. */
function createTepTable(byTag: number[][]): Table {
  const names = byTag.map((_, i) => (i < 41 ? `XMEAS${i + 1}` : `XMV${i - 40}`))
  const columns = byTag.map((values) => Float64Array.from(values))
  return { file: 'tep', names, columns, rows: columns[0]?.length ?? 0 }
}

/** NAB: single series with the times between which something was wrong. */
export async function readNab(folder: string): Promise<Series[]> {
  const text = await readFile(join(folder, 'windows.json'), 'utf8')
  const windows = new Map(Object.entries(JSON.parse(text) as Record<string, [string, string][]>))
  const series: Series[] = []
  for (const [path, pairs] of [...windows].sort()) {
    const file = join(folder, `${path.replace('/', '__')}.gz`)
    if (!existsSync(file)) continue
    const at = (time: string) => Date.parse(`${time.replace(' ', 'T')}Z`)
    series.push({ tags: await readTable(file), windows: pairs.map(([a, b]) => [at(a), at(b)]) })
  }
  return series
}

/** One tag, and the stretches of time in which its labellers saw something wrong. */
export interface Series {
  tags: Table
  windows: [number, number][]
}

function splitLabels(table: Table, label: string, others: readonly string[]): Labelled {
  const kept = table.names
    .map((_, i) => i)
    .filter((i) => {
      const name = table.names[i] ?? ''
      return name !== label && !others.includes(name)
    })
  const tags: Table = {
    ...table,
    names: kept.map((i) => table.names[i] ?? ''),
    columns: kept.map((i) => table.columns[i] ?? new Float64Array()),
  }
  const marks = table.columns[table.names.indexOf(label)] ?? new Float64Array()
  return { tags, labels: Array.from(marks, (mark) => mark > 0) }
}

/** Rows [from, to) of a table. */
export function sliceTable(table: Table, from: number, to = table.rows): Table {
  return {
    ...table,
    rows: to - from,
    columns: table.columns.map((column) => column.slice(from, to)),
    ...(table.at ? { at: table.at.slice(from, to) } : {}),
    ...(table.timeText ? { timeText: table.timeText.slice(from, to) } : {}),
  }
}

/** CSV with the times as the original wrote them. */
export function formatTable({ names, columns, rows, timeText }: Table): string {
  const quoted = names.map((name) => `"${name}"`)
  const lines = [[...(timeText ? ['time'] : []), ...quoted].join(',')]
  for (let row = 0; row < rows; row++) {
    const cells = columns.map((column) => {
      const value = column[row] ?? Number.NaN
      return Number.isNaN(value) ? '' : value
    })
    lines.push((timeText ? [timeText[row], ...cells] : cells).join(','))
  }
  return `${lines.join('\n')}\n`
}
