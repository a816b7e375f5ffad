/** Tells a sound SQLite file of a known format from a spoilt or a newer one at opening. */
import { DatabaseSync } from 'node:sqlite'

class UnsoundFile extends Error {}

/** Sound, but of a format that only a later program knows; nothing of it was touched. */
export class NewerFile extends Error {
  readonly format: number

  constructor(format: number) {
    super(`the file has format ${format}`)
    this.format = format
  }
}

/** Opens the file and makes its tables; throws NewerFile, or what `isCorrupt` knows when it is not sound. */
export function openSound(file: string, schema: string, format: number): DatabaseSync {
  const database = new DatabaseSync(file)
  try {
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as {
      user_version: number
    }
    if (found > format) throw new NewerFile(found)
    database.exec(schema)
    const verdict = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (verdict.quick_check !== 'ok') throw new UnsoundFile(verdict.quick_check)
    if (found < format) database.exec(`PRAGMA user_version = ${format}`)
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

/** SQLITE_FULL and SQLITE_IOERR: the file is what it was, a later try may succeed. */
const DISK_CODES = new Set([13, 10])

/** True when the open file can be kept and tried again; false when it has to be opened anew. */
export function isDiskTrouble(error: unknown): boolean {
  return DISK_CODES.has(codeOf(error) ?? 0)
}
