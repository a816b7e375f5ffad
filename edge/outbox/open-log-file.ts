/** Opens the outbox's file; one that is spoilt, or written by a newer program, is set aside, kept and told. */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Gap } from '../../protocol/model.ts'
import { createLogFile, type Kept, type LogFile, unwritable } from './log-file.ts'
import { isCorrupt, NewerFile, openSound } from './sound-file.ts'
import { unpackBatch } from './unpack.ts'
import type { Uptime } from './uptime.ts'

/** The WAL is cut back to this after a checkpoint, so that one burst does not keep the disk. */
const WAL_BYTES = 4 * 1024 * 1024

/**
 * Of tables and packing together, in SQLite's `user_version`; files from before it was written have 0. Raise it with
 * every change that an older program would not understand, `pack.ts`'s layout among them.
 */
export const FORMAT = 1

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
  CREATE TABLE IF NOT EXISTS uptime (only INTEGER PRIMARY KEY CHECK (only = 1), boot TEXT NOT NULL, ms REAL NOT NULL);
`

export interface OpenLogFile {
  file: string
  gateway: string
  maxAgeMs: number
  /** Told what a person should know: a file set aside, a file taken over. */
  notice?(say: string): void
}

export interface OpenedLogFile {
  file: LogFile
  /** The last sign of life before this start, Unix ms, and by the machine's uptime. */
  lastAlive: number | undefined
  lastUptime: Uptime | undefined
  /** A spoilt file was set aside: what time it may have covered. */
  corruptSince?: number
}

/** Memory of the same shape, for the time a disk refuses. */
export function openLogMemory(): LogFile {
  return createLogFile(openSound(':memory:', SCHEMA, FORMAT))
}

/** Throws Fault 'outbox.unwritable'. */
export function openLogFile(options: OpenLogFile, now: number): OpenedLogFile {
  try {
    const opened = openOrSetAside(options, now)
    takeOver(options, opened.file)
    return opened
  } catch (error) {
    throw unwritable(options.file, error)
  }
}

function openOrSetAside(options: OpenLogFile, now: number): OpenedLogFile {
  const open = () => {
    const file = createLogFile(openSound(options.file, SCHEMA, FORMAT))
    return { file, lastAlive: file.lastAlive(), lastUptime: file.lastUptime() }
  }
  try {
    return open()
  } catch (error) {
    if (error instanceof NewerFile) {
      const lastAlive = readAlive(options.file)
      const aside = setAside(options.file, `newer-${now}`)
      options.notice?.(
        `The outbox was written by a newer program (format ${error.format}, this one knows ${FORMAT}). It is kept as ${aside}, and a new one is used; the newer program takes it over when it is started again.`,
      )
      return { ...open(), lastAlive }
    }
    if (!isCorrupt(error)) throw error
    const corruptSince = salvageSince(options, now)
    const aside = setAside(options.file, `corrupt-${now}`)
    options.notice?.(`The outbox was damaged. It is kept as ${aside}, and a new one is used.`)
    return { ...open(), corruptSince }
  }
}

/** The file's new name; its log goes with it. */
function setAside(file: string, what: string): string {
  const aside = `${file}.${what}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${aside}${suffix}`)
  }
  return aside
}

function readAlive(file: string): number | undefined {
  const ask = 'SELECT at FROM alive'
  return askFile(file, ask) ?? Math.round(statSync(file).mtimeMs)
}

/** The earliest time the lost file may have held: asked of the file itself, else its birth or the age limit. */
function salvageSince({ file, maxAgeMs }: OpenLogFile, now: number): number {
  const bound = Math.max(Math.round(statSync(file).birthtimeMs), now - maxAgeMs)
  const ask = 'SELECT coalesce((SELECT min(at) FROM batch), (SELECT at FROM alive)) AS at'
  return Math.min(now, askFile(file, ask) ?? bound)
}

function askFile(file: string, ask: string): number | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    return (database.prepare(ask).get() as { at: number | null } | undefined)?.at ?? undefined
  } catch {
    return undefined
  } finally {
    database?.close()
  }
}

/** Batches copied in one transaction. */
const COPY_STEP = 100

/** What a newer program left here once and this one understands comes back; killed in between it is sent twice, which hosts know. */
function takeOver({ file, gateway, notice }: OpenLogFile, into: LogFile): void {
  for (const aside of listAside(file)) {
    if (formatOf(aside) > FORMAT) continue
    const from = createLogFile(openSound(aside, SCHEMA, FORMAT))
    const { samples } = from.depth()
    try {
      while (moveBatches(from, into, { gateway, limit: COPY_STEP }) > 0);
    } finally {
      from.close()
    }
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${aside}${suffix}`, { force: true })
    notice?.(`${samples} readings that were set aside in ${aside} are delivered now.`)
  }
}

function listAside(file: string): string[] {
  const start = `${basename(file)}.newer-`
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(start) && /\d$/.test(name))
    .map((name) => join(dirname(file), name))
    .sort()
}

/** Beyond every format when it cannot be read: then it stays where it is. */
function formatOf(file: string): number {
  return askFile(file, 'SELECT user_version AS at FROM pragma_user_version') ?? Number.MAX_VALUE
}

/** Moves the oldest batches with the times of their append, in one transaction of the target; how many were moved. */
export function moveBatches(
  from: LogFile,
  into: LogFile,
  { gateway, limit }: { gateway: string; limit: number },
): number {
  const rows = from.read(0, limit)
  const last = rows.at(-1)
  if (!last) return 0
  into.transact(() => {
    for (const row of rows) {
      const batch = unpackBatch(row.body, from.tagOf)
      into.copy(batch ?? { samples: [], gaps: [createBrokenGap(row, gateway)] }, row.at)
    }
  })
  from.remove(0, last.number)
  return rows.length
}

/** A batch whose checksum fails is gone; this says so. */
export function createBrokenGap(row: Kept, gateway: string): Gap {
  return { gateway, from: row.at, to: row.at + 1, reason: 'corrupt', lost: row.samples }
}
