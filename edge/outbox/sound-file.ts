/** Tells a sound SQLite file from a spoilt one at opening. */
import { DatabaseSync } from 'node:sqlite'

class UnsoundFile extends Error {}

/** Opens the file and makes its tables; throws what `isCorrupt` knows when it is not sound. */
export function openSound(file: string, schema: string): DatabaseSync {
  const database = new DatabaseSync(file)
  try {
    database.exec(schema)
    const verdict = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (verdict.quick_check !== 'ok') throw new UnsoundFile(verdict.quick_check)
    return database
  } catch (error) {
    database.close()
    // Our statements are right, so a plain SQLITE_ERROR here is the file's: a header of no known format.
    if (codeOf(error) === SQLITE_ERROR) throw new UnsoundFile('unknown format', { cause: error })
    throw error
  }
}

const SQLITE_ERROR = 1

/** The primary result code; undefined for what is no error of SQLite. */
function codeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const CORRUPT_CODES = new Set([11, 26])

/** True when the file is to be set aside; false when it is the disk, the rights or the folder. */
export function isCorrupt(error: unknown): boolean {
  if (error instanceof UnsoundFile) return true
  return CORRUPT_CODES.has(codeOf(error) ?? 0)
}
