/** What is asked of the SQLite file under the outbox: packed batches, tag numbers, and the last sign of life. */
import type { DatabaseSync } from 'node:sqlite'
import { Fault } from '../../protocol/kit/fault.ts'
import { FollowMap } from '../../protocol/kit/follow-map.ts'
import type { TagId } from '../../protocol/model.ts'
import type { RowTags } from '../readings.ts'
import { type Packable, packBatch } from './pack.ts'
import { createRecentSizes, type Total } from './recent-sizes.ts'
import { createSettled, type Settled } from './settled.ts'
import { readUptime, type Uptime } from './uptime.ts'

/** One stored batch, still packed. */
export interface Kept {
  number: number
  /** When it was appended, Unix ms. */
  at: number
  samples: number
  bytes: number
  body: Uint8Array
}

/** How old the file's sign of life may get while batches come. */
const SIGN_EVERY_MS = 1_000
/** SQLite's own share of a row: cell header, record header, number, time, count. */
const ROW_OVERHEAD = 20

export function unwritable(file: string, error: unknown): Fault {
  const reason = error instanceof Error ? error.message : String(error)
  return new Fault('outbox.unwritable', { file, reason }, { cause: error })
}

export type LogFile = ReturnType<typeof createLogFile>

/** Statements are prepared once; counters follow every change, so that `depth` costs nothing. */
export function createLogFile(database: DatabaseSync) {
  const statements = prepareAll(database)
  const tags = createTagBook(database)
  const total = measure(statements.sizes, 0, Number.MAX_SAFE_INTEGER)
  const settled = createSettled()
  const recent = createRecentSizes()
  const transact = createTransact(database, { tags, total, settled, statements })
  const remove = (from: number, to: number): void =>
    transact(() => {
      recent.forget(from, to)
      const gone = measure(statements.sizes, from, to)
      statements.remove.run(from, to)
      subtract(total, gone)
    })
  let newest = readNewest(database)
  const put = (batch: Packable, at: number): number => {
    const body = packBatch(batch, tags)
    const { lastInsertRowid } = statements.insert.run(Math.round(at), batch.samples.length, body)
    total.batches += 1
    total.samples += batch.samples.length
    total.bytes += body.length + ROW_OVERHEAD
    newest = Number(lastInsertRowid)
    return newest
  }
  /** What the file says; undefined: not known. */
  let saidAt: number | undefined
  const signOfLife = (at: number): void => {
    statements.alive.run(Math.round(at))
    saidAt = at
    const { boot, ms } = readUptime()
    statements.uptime.run(boot, ms)
  }
  return {
    transact,
    tagOf: tags.tagOf,
    /** A new batch, which is a sign of life too. With the acknowledged ones that leave it is written once a second. */
    insert: (batch: Packable, at: number): number => {
      const isDue = saidAt === undefined || at < saidAt || at >= saidAt + SIGN_EVERY_MS
      const bytesBefore = total.bytes
      const number = transact(
        () => {
          const number = put(batch, at)
          if (isDue) signOfLife(at)
          return number
        },
        { keepSettled: !isDue },
      )
      recent.add(number, { samples: batch.samples.length, bytes: total.bytes - bytesBefore })
      return number
    },
    /** The same and no sign of life: it was appended elsewhere before, or nobody knows the time. */
    copy: (batch: Packable, at: number): number => transact(() => put(batch, at)),
    read: (after: number, limit: number): Kept[] =>
      readKept(statements.select, settled, { after, limit }),
    remove,
    /** Gone for every reader at once, from the disk with a later write, once a second; a crash before it brings the rows back. */
    settle: (from: number, to: number): void => {
      if (settled.overlaps(from, to)) remove(from, to)
      else {
        subtract(total, recent.take(from, to) ?? measure(statements.sizes, from, to))
        settled.add(from, to)
      }
    },
    depth: () => ({
      ...total,
      oldestAt: readKept(statements.oldest, settled, { after: 0, limit: 1 })[0]?.at,
    }),
    batches: () => total.batches,
    bytes: () => total.bytes,
    alive: (at: number): void => transact(() => signOfLife(at)),
    /** The newest number given, in this file or before it. */
    newest: () => newest,
    /** Numbers begin above this one, if they would not anyway: those below were given in another file. */
    countOnFrom: (number: number): void => {
      if (number <= newest) return
      transact(() => {
        database.exec("DELETE FROM sqlite_sequence WHERE name = 'batch'")
        database.prepare("INSERT INTO sqlite_sequence VALUES ('batch', ?)").run(number)
      })
      newest = number
    },
    lastAlive: () => (statements.lastAlive.get() as { at: number } | undefined)?.at,
    /** How long the machine had been up at the last sign of life. */
    lastUptime: () => statements.lastUptime.get() as Uptime | undefined,
    close: () => database.close(),
  }
}

function readNewest(database: DatabaseSync): number {
  const ask = "SELECT seq FROM sqlite_sequence WHERE name = 'batch'"
  return (database.prepare(ask).get() as { seq: number } | undefined)?.seq ?? 0
}

function prepareAll(database: DatabaseSync) {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    insert: database.prepare('INSERT INTO batch (at, samples, body) VALUES (?, ?, ?)'),
    alive: database.prepare(
      'INSERT INTO alive (only, at) VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET at = excluded.at',
    ),
    lastAlive: database.prepare('SELECT at FROM alive'),
    uptime: database.prepare(
      'INSERT INTO uptime (only, boot, ms) VALUES (1, ?, ?) ON CONFLICT (only) DO UPDATE SET boot = excluded.boot, ms = excluded.ms',
    ),
    lastUptime: database.prepare('SELECT boot, ms FROM uptime'),
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
  return <T>(work: () => T, { keepSettled = false } = {}): T => {
    if (database.isTransaction) return work()
    const before = { ...total }
    const known = tags.size()
    try {
      statements.begin.run()
      if (!keepSettled) for (const { from, to } of settled.ranges()) statements.remove.run(from, to)
      const result = work()
      statements.commit.run()
      if (!keepSettled) settled.clear()
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
  const numbers = new FollowMap<number>()
  for (const [number, name] of names.entries()) numbers.set(name, number)
  /** By group, until a number is taken back. */
  let ofGroups = new WeakMap<RowTags, Int32Array>()
  const numberOf = (tag: TagId): number => {
    const known = numbers.get(tag)
    if (known !== undefined) return known
    const number = names.length
    insert.run(number, tag)
    names.push(tag)
    numbers.set(tag, number)
    return number
  }
  return {
    size: () => names.length,
    tagOf: (number: number): TagId | undefined => names[number],
    numberOf,
    numbersOf(of: RowTags): Int32Array {
      const known = ofGroups.get(of)
      if (known) return known
      const made = Int32Array.from(of.tags, numberOf)
      ofGroups.set(of, made)
      return made
    },
    forgetFrom(size: number) {
      if (size < names.length) ofGroups = new WeakMap()
      for (const name of names.splice(size)) numbers.delete(name)
    },
  }
}
