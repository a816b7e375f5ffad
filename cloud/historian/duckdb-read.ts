/** The questions a DuckDB historian answers: charts, raw samples, the newest values and training grids. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { type Quality, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import { type Kind, worstQuality } from './admission.ts'
import type { Series } from './duckdb-file.ts'
import { createGrid } from './grid.ts'
import type { Bucket, Grid, RangeQuery, ScanQuery } from './historian.ts'

const COLUMNS = 'at_ms, value, text, quality, status'

/** min/mean/max of what is not bad, and the worst quality of everything, per bucket. */
export async function readRange(
  reader: DuckDBConnection,
  series: Series,
  { from, to, points }: RangeQuery,
): Promise<Bucket[]> {
  const step = Math.max(1, Math.ceil((to - from) / Math.max(1, points)))
  const rows = await reader.runAndReadAll(
    `select (at_ms - $from) // $step as bucket,
       min(value) filter (quality <> ${quality.bad}), avg(value) filter (quality <> ${quality.bad}),
       max(value) filter (quality <> ${quality.bad}), count(*), min(quality), max(quality)
     from sample where series = $series and at_ms >= $from and at_ms < $to
     group by bucket order by bucket`,
    { series: series.id, from: BigInt(from), to: BigInt(to), step: BigInt(step) },
  )
  return rows.getRowsJS().map(([bucket, min, mean, max, count, lowest, highest]) => ({
    at: from + Number(bucket) * step,
    min: min as number | null,
    mean: mean as number | null,
    max: max as number | null,
    count: Number(count),
    quality: worstQuality(Number(lowest), Number(highest)),
  }))
}

/** Raw samples of one series in order of time. */
export async function readRaw(
  reader: DuckDBConnection,
  series: Series,
  { from, to, limit }: { from: number; to: number; limit: number },
): Promise<Sample[]> {
  const rows = await reader.runAndReadAll(
    `select ${COLUMNS} from sample where series = $series and at_ms >= $from and at_ms < $to
     order by at_ms limit $limit`,
    { series: series.id, from: BigInt(from), to: BigInt(to), limit: BigInt(limit) },
  )
  return rows.getRowsJS().map((row) => parseRow(series, row as DuckDBValue[]))
}

/** The newest sample of each series, found by its mark. */
export async function readNewest(
  reader: DuckDBConnection,
  wanted: readonly Series[],
): Promise<Map<TagId, Sample>> {
  const known = wanted.filter((series) => Number.isFinite(series.mark))
  const found = new Map<TagId, Sample>()
  if (known.length === 0) return found
  // Ids and marks are our own integers: nothing to escape.
  const keys = known.map((series) => `(${series.id}, ${series.mark})`).join(', ')
  const oldest = known.reduce((least, series) => Math.min(least, series.mark), Infinity)
  const rows = await reader.runAndReadAll(
    `select s.series, ${COLUMNS} from sample s
     join (values ${keys}) k(series, mark) on s.series = k.series and s.at_ms = k.mark
     where s.at_ms >= ${oldest}`,
  )
  const byId = new Map(known.map((series) => [series.id, series]))
  for (const [id, ...row] of rows.getRowsJS()) {
    const series = byId.get(Number(id))
    if (series) found.set(series.tag, parseRow(series, row as DuckDBValue[]))
  }
  return found
}

/** The newest good value within one step before each row of the grid. */
export async function readGrid(
  reader: DuckDBConnection,
  series: readonly (Series | undefined)[],
  query: ScanQuery,
): Promise<Grid> {
  const grid = createGrid(query)
  const { from, stepMs } = query
  const until = grid.at.at(-1)
  const columns = new Map<number, Float64Array>()
  for (const [index, one] of series.entries()) {
    const column = grid.values[index]
    if (one && column) columns.set(one.id, column)
  }
  if (until === undefined || columns.size === 0) return grid
  const rows = await reader.runAndReadAll(
    `select series, (at_ms - $from + $step - 1) // $step as row, arg_max(value, at_ms) from sample
     where series in (${[...columns.keys()].join(', ')}) and at_ms > $from - $step
       and at_ms <= $until and quality = ${quality.good} and value is not null
     group by series, row`,
    { from: BigInt(from), step: BigInt(stepMs), until: BigInt(until) },
  )
  for (const [id, row, value] of rows.getRowsJS()) {
    const column = columns.get(Number(id))
    if (column) column[Number(row)] = Number(value)
  }
  return grid
}

function parseRow(series: Series, row: readonly DuckDBValue[]): Sample {
  const [at, value, text, code, status] = row
  const sample: Sample = {
    tag: series.tag,
    at: Number(at),
    value: parseValue(series.kind, value as number | null, text as string | null),
    quality: Number(code) as Quality,
  }
  return status === null ? sample : { ...sample, status: Number(status) }
}

function parseValue(
  kind: Kind | undefined,
  value: number | null,
  text: string | null,
): Value | null {
  if (kind === 'string') return text
  if (value === null) return null
  if (kind === 'boolean') return value === 1
  return kind === 'bigint' ? BigInt(text ?? value) : value
}
