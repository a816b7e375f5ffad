/** The SQLite file under the outbox: one table of packed batches, tag numbers, and the last sign of life. */
import { existsSync, renameSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '../../protocol/kit/fault.ts'
import type { TagId } from '../../protocol/model.ts'
import { type Packable, packBatch } from './pack.ts'
import { createSettled, type Settled } from './settled.ts'
import { isCorrupt, openSound } from './sound-file.ts'

/** One stored batch, still packed. */
export interface Kept {
  number: number
  /** When it was appended, Unix ms. */
  at: number
  samples: number
  bytes: number
  body: Uint8Array
}

/** SQLite's own share of a row: cell header, record header, number, time, count. */
const ROW_OVERHEAD = 20

/** The WAL is cut back to this after a checkpoint, so that one burst does not keep the disk. */
const WAL_BYTES = 4 * 1024 * 1024

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = ${WAL_BYTES};
  CREATE TABLE IF NOT EXISTS batch (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    body BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS tag (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS alive (only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL);
`

interface LogFileOptions {
  file: string
  maxAgeMs: number
}

/** Opens a sound file; an unsound one is renamed (kept), and `corruptSince` says what time it may have covered. */
export function openLogFile(options: LogFileOptions, now: number) {
  try {
    return { file: attach(openSound(options.file, SCHEMA)), corruptSince: undefined }
  } catch (error) {
    if (!isCorrupt(error)) throw unwritable(options.file, error)
    const corruptSince = salvageSince(options, now)
    for (const suffix of ['', '-wal', '-shm']) {
      const part = `${options.file}${suffix}`
      if (existsSync(part)) renameSync(part, `${options.file}.corrupt-${now}${suffix}`)
    }
    return { file: attach(openSound(options.file, SCHEMA)), corruptSince }
  }
}

/** The earliest time the lost file may have held: asked of the file itself, else its birth or the age limit. */
function salvageSince({ file, maxAgeMs }: LogFileOptions, now: number): number {
  const bound = Math.max(Math.round(statSync(file).birthtimeMs), now - maxAgeMs)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    const ask = 'SELECT coalesce((SELECT min(at) FROM batch), (SELECT at FROM alive)) AS at'
    const row = database.prepare(ask).get() as { at: number | null }
    return Math.min(now, row.at ?? bound)
  } catch {
    return Math.min(now, bound)
  } finally {
    database?.close()
  }
}

function unwritable(file: string, error: unknown): Fault {
  const reason = error instanceof Error ? error.message : String(error)
  return new Fault('outbox.unwritable', { file, reason }, { cause: error })
}

/** Statements are prepared once; counters follow every change, so that `depth` costs nothing. */
function attach(database: DatabaseSync) {
  const statements = prepareAll(database)
  const tags = createTagBook(database)
  const total = measure(statements.sizes, 0, Number.MAX_SAFE_INTEGER)
  const settled = createSettled()
  const transact = createTransact(database, { tags, total, settled, statements })
  const remove = (from: number, to: number): void =>
    transact(() => {
      const gone = measure(statements.sizes, from, to)
      statements.remove.run(from, to)
      subtract(total, gone)
    })
  return {
    transact,
    tagOf: tags.tagOf,
    insert: (batch: Packable, at: number): number =>
      transact(() => {
        const body = packBatch(batch, tags.numberOf)
        const instant = Math.round(at)
        const { lastInsertRowid } = statements.insert.run(instant, batch.samples.length, body)
        statements.alive.run(instant)
        total.batches += 1
        total.samples += batch.samples.length
        total.bytes += body.length + ROW_OVERHEAD
        return Number(lastInsertRowid)
      }),
    read: (after: number, limit: number): Kept[] =>
      readKept(statements.select, settled, { after, limit }),
    remove,
    /** Gone for every reader at once, from the disk with the next write; a crash before it brings the rows back. */
    settle: (from: number, to: number): void => {
      if (settled.overlaps(from, to)) remove(from, to)
      else {
        subtract(total, measure(statements.sizes, from, to))
        settled.add(from, to)
      }
    },
    depth: () => ({
      ...total,
      oldestAt: readKept(statements.oldest, settled, { after: 0, limit: 1 })[0]?.at,
    }),
    alive: (at: number): void => transact(() => void statements.alive.run(Math.round(at))),
    lastAlive: () => (statements.lastAlive.get() as { at: number } | undefined)?.at,
    close: () => database.close(),
  }
}

function prepareAll(database: DatabaseSync) {
  return {
    insert: database.prepare('INSERT INTO batch (at, samples, body) VALUES (?, ?, ?)'),
    alive: database.prepare(
      'INSERT INTO alive (only, at) VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET at = excluded.at',
    ),
    lastAlive: database.prepare('SELECT at FROM alive'),
    select: database.prepare(
      'SELECT number, at, samples, body FROM batch WHERE number > ? ORDER BY number LIMIT ?',
    ),
    sizes: database.prepare(
      `SELECT count(*) AS batches, coalesce(sum(samples), 0) AS samples,
        coalesce(sum(length(body)), 0) AS bytes FROM batch WHERE number BETWEEN ? AND ?`,
    ),
    remove: database.prepare('DELETE FROM batch WHERE number BETWEEN ? AND ?'),
    oldest: database.prepare(
      "SELECT number, at, 0 AS samples, x'' AS body FROM batch WHERE number > ? ORDER BY number LIMIT ?",
    ),
  }
}

type Statement = ReturnType<DatabaseSync['prepare']>

interface Total {
  batches: number
  samples: number
  bytes: number
}

function measure(sizes: Statement, from: number, to: number): Total {
  const row = sizes.get(from, to) as unknown as Total
  return { ...row, bytes: row.bytes + row.batches * ROW_OVERHEAD }
}

function subtract(total: Total, gone: Total): void {
  total.batches -= gone.batches
  total.samples -= gone.samples
  total.bytes -= gone.bytes
}

/** The next rows nobody has acknowledged; looks on behind those that are. */
function readKept(
  select: Statement,
  settled: Settled,
  { after, limit }: { after: number; limit: number },
): Kept[] {
  for (let start = settled.skip(after); ; ) {
    const rows = select.all(start, limit) as unknown as Omit<Kept, 'bytes'>[]
    const kept = rows.filter((row) => !settled.has(row.number))
    const last = rows.at(-1)
    if (kept.length > 0 || !last) {
      return kept.map((row) => ({ ...row, bytes: row.body.length + ROW_OVERHEAD }))
    }
    start = settled.skip(last.number)
  }
}

interface Memory {
  tags: TagBook
  total: Total
  settled: Settled
  statements: ReturnType<typeof prepareAll>
}

/** Runs work in one transaction (a nested call joins it), behind the deletes that waited for one; what fails leaves file, counters and tag numbers as they were. */
function createTransact(database: DatabaseSync, { tags, total, settled, statements }: Memory) {
  return <T>(work: () => T): T => {
    if (database.isTransaction) return work()
    const before = { ...total }
    const known = tags.size()
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const { from, to } of settled.ranges()) statements.remove.run(from, to)
      const result = work()
      database.exec('COMMIT')
      settled.clear()
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      Object.assign(total, before)
      tags.forgetFrom(known)
      throw unwritable(database.location() ?? '', error)
    }
  }
}

type TagBook = ReturnType<typeof createTagBook>

/** Tag numbers are 0, 1, 2 … in order of first use; they are never deleted (a gateway has thousands, not millions). */
function createTagBook(database: DatabaseSync) {
  const insert = database.prepare('INSERT INTO tag (number, id) VALUES (?, ?)')
  const rows = database.prepare('SELECT id FROM tag ORDER BY number').all() as { id: TagId }[]
  const names = rows.map((row) => row.id)
  const numbers = new Map(names.map((name, number) => [name, number]))
  return {
    size: () => names.length,
    tagOf: (number: number): TagId | undefined => names[number],
    numberOf(tag: TagId): number {
      const known = numbers.get(tag)
      if (known !== undefined) return known
      const number = names.length
      insert.run(number, tag)
      names.push(tag)
      numbers.set(tag, number)
      return number
    },
    forgetFrom(size: number) {
      for (const name of names.splice(size)) numbers.delete(name)
    },
  }
}
