/** Opens the DuckDB file of samples: its limits, its tables, and what is known of each series. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { Fault } from '../../protocol/kit/fault.ts'
import type { TagId } from '../../protocol/model.ts'
import type { Kind } from './admission.ts'

/** Of the tables below; a file with a higher number was written by a newer version of this program. */
const SCHEMA_VERSION = 1

/** Everything one series id stands for. */
export interface Series {
  id: number
  tag: TagId
  /** Undefined until the first value that is not null. */
  kind: Kind | undefined
  /** The newest time stored: what is newer needs no search for duplicates. */
  mark: number
}

const SETTINGS = {
  // Beside scoring, ingest and the console on a small box; sorts and joins beyond it go to disk.
  memory_limit: '512MB',
  // One for the appender, one for a chart: more would take the cores from the event loop.
  threads: '2',
  // Nobody who reaches a query may read or write another file or load code (CVE-2026-27876's kind).
  enable_external_access: 'false',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  lock_configuration: 'true',
}

const TABLES = [
  'create table if not exists meta (version integer not null)',
  'create table if not exists series (id integer not null, tag varchar not null, kind varchar)',
  // value: numbers, and numbers for booleans (0, 1) and 64-bit integers (nearest);
  // text: strings, and the digits of integers that a double cannot hold.
  `create table if not exists sample (series integer not null, at_ms bigint not null, value double,
     text varchar, quality usmallint not null, status uinteger)`,
  // Staging for samples that are not newer than what is stored (a resend after an outage).
  'create temp table late as from sample limit 0',
]

/** Opens (or makes) the file; Fault 'historian.unopenable' or 'historian.newer' says what is wrong with it. */
export async function openFile(
  file: string,
): Promise<{ instance: DuckDBInstance; writer: DuckDBConnection; series: Series[] }> {
  let instance: DuckDBInstance | undefined
  try {
    instance = await DuckDBInstance.create(file, SETTINGS)
    const writer = await instance.connect()
    for (const sql of TABLES) await writer.run(sql)
    await checkVersion(writer, file)
    return { instance, writer, series: await readSeries(writer) }
  } catch (cause) {
    instance?.closeSync()
    if (cause instanceof Fault) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('historian.unopenable', { file, reason }, { cause })
  }
}

async function checkVersion(writer: DuckDBConnection, file: string): Promise<void> {
  const found = (await writer.runAndReadAll('select version from meta')).getRowsJS()[0]?.[0]
  if (found === undefined) {
    await writer.run('insert into meta values (?)', [SCHEMA_VERSION])
  } else if (Number(found) > SCHEMA_VERSION) {
    throw new Fault('historian.newer', { file, found: Number(found), known: SCHEMA_VERSION })
  }
}

async function readSeries(writer: DuckDBConnection): Promise<Series[]> {
  const rows = await writer.runAndReadAll(
    `select s.id, s.tag, s.kind, m.mark from series s
     left join (select series, max(at_ms) as mark from sample group by series) m on m.series = s.id`,
  )
  return rows.getRowsJS().map(([id, tag, kind, mark]) => ({
    id: Number(id),
    tag: String(tag) as TagId,
    kind: kind === null ? undefined : (kind as Kind),
    mark: mark === null ? Number.NEGATIVE_INFINITY : Number(mark),
  }))
}
