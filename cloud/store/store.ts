/** The relational state of the cloud: one SQLite file, or PostgreSQL by its URL, behind the same queries. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely } from 'kysely'
import { type Engine, migrate } from './migrations.ts'
import { createPostgresDialect } from './postgres-dialect.ts'
import type { Schema } from './schema.ts'
import { createSqliteDialect } from './sqlite-dialect.ts'
import { writeTransitions } from './transitions.ts'

export type StoreOptions = { file: string } | { url: string }

/**
 * The open database. On SQLite there is one connection: inside `db.transaction()` use only its `trx`
 * (a query on `db`, or an audit entry, would wait for the transaction that waits for it).
 */
export interface Store extends AsyncDisposable {
  db: Kysely<Schema>
  engine: Engine
}

/** Opens, migrates and checks; throws Fault 'store.newer' when a newer program wrote the database. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const engine: Engine = 'file' in options ? 'sqlite' : 'postgres'
  if ('file' in options && options.file !== ':memory:') {
    await mkdir(dirname(options.file), { recursive: true })
  }
  const db = new Kysely<Schema>({
    dialect:
      'file' in options ? createSqliteDialect(options.file) : createPostgresDialect(options.url),
  })
  try {
    await migrate(db, engine)
    await writeTransitions(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return { db, engine, [Symbol.asyncDispose]: () => db.destroy() }
}
