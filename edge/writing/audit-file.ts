/** The gateway's own record of every write that was asked for: one JSON line each, on disk before anything is sent. */
import { type FileHandle, open, rename, stat } from 'node:fs/promises'

export interface AuditFile {
  /** Resolves when the line is on disk; rejects when it cannot be. */
  append(entry: Readonly<Record<string, unknown>>): Promise<void>
}

/** Two files of this size are kept: some hundred thousand writes. */
const MAX_BYTES = 20_000_000

/** Appends to `file`; a full one becomes `file.1`. */
export function createAuditFile(file: string, maxBytes = MAX_BYTES): AuditFile {
  let tail: Promise<void> = Promise.resolve()
  const write = async (line: string) => {
    const { size } = await stat(file).catch(() => ({ size: 0 }))
    if (size + line.length > maxBytes) await rename(file, `${file}.1`)
    await using handle = await open(file, 'a+', 0o600)
    await handle.appendFile(`${(await isTorn(handle)) ? '\n' : ''}${line}`)
    await handle.datasync()
  }
  return {
    append(entry) {
      const line = `${JSON.stringify(entry, (_, it) => (typeof it === 'bigint' ? `${it}` : it))}\n`
      const turn = tail.then(() => write(line))
      tail = turn.catch(() => {})
      return turn
    },
  }
}

/** A full disk or a power cut may have left half a line: what follows must not be lost in it. */
async function isTorn(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat()
  if (size === 0) return false
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] !== 0x0a
}
