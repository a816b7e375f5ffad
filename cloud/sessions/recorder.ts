/** The recorder of one session: an append-only file of JSON lines, each carrying the hash of the line before it. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { Fault } from '../../protocol/kit/fault.ts'

/** What the first line is chained to. */
export const FIRST_HASH = '0'.repeat(64)
/** A day of busy HMI traffic; a session that fills it ends, as with a full disk. */
const MAX_BYTES = 512 * 1024 * 1024

/** One thing that happened; `kind` says which fields it has (recording.ts). */
export interface RecordEntry {
  kind: string
  at: number
  [field: string]: unknown
}

export interface Recorder {
  /** Resolves when the line is in the file; rejects with Fault 'recorder.failed', from the first failure on always. */
  append(entry: RecordEntry): Promise<void>
  /** Syncs and closes the file; the SHA-256 of the whole file, as `sha256sum` prints it. Call it once. */
  finish(): Promise<string>
}

/** What the recorder needs of a file handle. */
export type RecordingFile = Pick<FileHandle, 'appendFile' | 'datasync' | 'close'>

export interface RecorderOptions {
  file: string
  /** The first line. */
  header: RecordEntry
  /** Called once, at the first write that fails: the session must end. */
  onFailure(error: Error): void
  /** Default: a new file which only its owner may read; an existing one is never touched. */
  openFile?: (file: string) => Promise<RecordingFile>
}

/** Opens the file and writes the header; throws Fault 'recorder.failed' when it cannot: then there is no session. */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const handle = await (options.openFile ?? createFile)(options.file).catch((cause) => {
    throw failure(cause)
  })
  const whole = createHash('sha256')
  let previous = FIRST_HASH
  let seq = 0
  let bytes = 0
  let failed: Fault | undefined
  let tail: Promise<void> = Promise.resolve()

  const write = async (entry: RecordEntry) => {
    if (failed) throw failed
    const line = JSON.stringify({ seq, previous, ...entry })
    try {
      bytes += Buffer.byteLength(line) + 1
      if (bytes > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
      await handle.appendFile(`${line}\n`)
    } catch (cause) {
      failed = failure(cause)
      if (seq > 0) options.onFailure(failed)
      throw failed
    }
    whole.update(`${line}\n`)
    previous = hashLine(line)
    seq++
  }
  const append = (entry: RecordEntry) => {
    const done = tail.then(() => write(entry))
    tail = done.catch(() => undefined)
    return done
  }
  await append(options.header).catch(async (error) => {
    await handle.close().catch(() => undefined)
    throw error
  })
  return {
    append,
    async finish() {
      await tail
      // A failed disk may fail here too; what was written still has its hash.
      await handle.datasync().catch(() => undefined)
      await handle.close().catch(() => undefined)
      failed ??= failure(new Error('it is closed'))
      return whole.digest('hex')
    },
  }
}

/** SHA-256 of a line without its end, lower-case hex. */
export function hashLine(line: string): string {
  return createHash('sha256').update(line).digest('hex')
}

async function createFile(file: string): Promise<FileHandle> {
  return await open(file, 'ax', 0o600)
}

function failure(cause: unknown): Fault {
  return new Fault('recorder.failed', { reason: (cause as Error).message }, { cause })
}
