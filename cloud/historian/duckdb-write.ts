/** Puts a batch of admitted samples into the DuckDB file: all of it in one transaction, or none. */
import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBValue,
  INTEGER,
  UINTEGER,
  USMALLINT,
  VARCHAR,
} from '@duckdb/node-api'
import { quality, type Sample } from '../../protocol/model.ts'
import type { Series } from './duckdb-file.ts'

/** DuckDB's own vector size: a data chunk holds at most this many rows. */
const CHUNK_ROWS = 2_048
const COLUMN_TYPES = [INTEGER, BIGINT, DOUBLE, VARCHAR, USMALLINT, UINTEGER]

/** A sample and the series it belongs to. */
export interface Row {
  series: Series
  sample: Sample
}

export interface Batch {
  /** Series this batch names first. */
  created: readonly Series[]
  /** Series whose type this batch is the first to show. */
  pinned: readonly Series[]
  /** Newer than everything stored of their series: appended straight. */
  fresh: readonly Row[]
  /** Not newer: appended only where (series, at) is not stored yet. */
  late: readonly Row[]
}

/** Commits the batch; the WAL is on the disk when it resolves. Leaves nothing behind when it throws. */
export async function commitBatch(writer: DuckDBConnection, batch: Batch): Promise<void> {
  await writer.run('begin transaction')
  try {
    for (const { id, tag, kind } of batch.created) {
      await writer.run('insert into series values (?, ?, ?)', [id, tag, kind ?? null])
    }
    for (const { id, kind } of batch.pinned) {
      await writer.run('update series set kind = ? where id = ?', [kind ?? null, id])
    }
    await append(writer, batch.fresh, 'sample')
    await insertLate(writer, batch.late)
    await writer.run('commit')
  } catch (error) {
    // A fatal error has already ended the transaction, and then there is nothing to roll back.
    await writer.run('rollback').catch(() => undefined)
    throw error
  }
}

async function insertLate(writer: DuckDBConnection, late: readonly Row[]): Promise<void> {
  if (late.length === 0) return
  await append(writer, late, 'late')
  const times = late.map((row) => row.sample.at)
  const from = BigInt(times.reduce((a, b) => Math.min(a, b)))
  const to = BigInt(times.reduce((a, b) => Math.max(a, b)))
  // A death's stale mark stands in for a reading nobody had seen: the reading itself takes its place.
  await writer.run(
    `delete from sample using late
     where sample.at_ms between $from and $to and sample.quality = ${quality.stale}
       and late.series = sample.series and late.at_ms = sample.at_ms and late.quality <> ${quality.stale}`,
    { from, to },
  )
  // The bounds let DuckDB skip the row groups of other days by their minimum and maximum.
  await writer.run(
    `insert into sample select * from late anti join
       (select series, at_ms from sample where at_ms between $from and $to) using (series, at_ms)`,
    { from, to },
  )
  await writer.run('delete from late')
}

async function append(
  writer: DuckDBConnection,
  rows: readonly Row[],
  table: 'sample' | 'late',
): Promise<void> {
  if (rows.length === 0) return
  const appender = await writer.createAppender(table, null, table === 'late' ? 'temp' : null)
  try {
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
      appender.appendDataChunk(createChunk(rows.slice(start, start + CHUNK_ROWS)))
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

function createChunk(rows: readonly Row[]): DuckDBDataChunk {
  const columns: DuckDBValue[][] = [[], [], [], [], [], []]
  for (const { series, sample } of rows) {
    const { value } = sample
    columns[0]?.push(series.id)
    columns[1]?.push(BigInt(sample.at))
    columns[2]?.push(value === null || typeof value === 'string' ? null : Number(value))
    columns[3]?.push(formatText(value))
    columns[4]?.push(sample.quality)
    columns[5]?.push(sample.status ?? null)
  }
  const chunk = DuckDBDataChunk.create(COLUMN_TYPES, rows.length)
  chunk.setColumns(columns)
  return chunk
}

/** Strings, and the digits of integers beyond 2^53, which a double would round. */
function formatText(value: Sample['value']): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'bigint') return null
  return BigInt.asIntN(54, value) === value ? null : String(value)
}
