/** Kysely on PostgreSQL: a small pool that reads 64-bit integers as numbers, as SQLite does. */
import { type Dialect, PostgresDialect } from 'kysely'
import { Pool, types } from 'pg'

/** One cloud process needs few connections; PostgreSQL allows 100 by default for all of them together. */
const MAX_CONNECTIONS = 10
/** A server that does not answer is down: say so instead of hanging. */
const CONNECT_TIMEOUT_MS = 10_000
/** PostgreSQL's type number of `bigint`. */
const INT8 = types.builtins.INT8

/** Connects by URL (`postgresql://user@host/name`, or `?host=/socket/folder`). */
export function createPostgresDialect(url: string): Dialect {
  const pool = new Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Our integers are Unix milliseconds and counters: far below 2^53.
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary' ? Number : types.getTypeParser(oid, format),
    } as typeof types,
  })
  // An idle connection that breaks is replaced by the pool; unheard, its event would end the process.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool })
}
