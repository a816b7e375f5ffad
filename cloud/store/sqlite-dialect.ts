/** Kysely on Node's own SQLite: one file, write-ahead log, one connection that Kysely's mutex guards. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Dialect, SqliteDialect } from 'kysely'

/** How long a statement waits for another process's lock (a backup, a curious operator) before it fails. */
const BUSY_TIMEOUT_MS = 5_000

/** Opens the file (or `:memory:`) and hands it to Kysely, which closes it. */
export function createSqliteDialect(file: string): Dialect {
  return new SqliteDialect({
    database: async () => {
      const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
      // FULL: what was answered as done survives a power cut; state changes are few, so the fsync is cheap.
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
      )
      return {
        close: () => database.close(),
        prepare: (text) => adaptStatement(database, text),
      }
    },
  })
}

/** The subset of better-sqlite3's statement that Kysely's dialect calls. */
function adaptStatement(database: DatabaseSync, text: string) {
  const statement = database.prepare(text)
  const bind = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
  return {
    reader: statement.columns().length > 0,
    all: (parameters: readonly unknown[]) => statement.all(...bind(parameters)),
    run: (parameters: readonly unknown[]) => statement.run(...bind(parameters)),
    iterate: (parameters: readonly unknown[]) => statement.iterate(...bind(parameters)),
  }
}
