/** Plays a recording row by row, one row a second of machine time, in whole cycles and for ever. */
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'

/** The recorded rig repeats one load cycle of this length. */
export const CYCLE_ROWS = 60

export interface Recording {
  columns: readonly string[]
  rows: readonly (readonly number[])[]
}

export interface ReplayRow {
  values: readonly number[]
  /** Row within the recording. */
  index: number
  /** Second within the load cycle, 0 to 59. */
  second: number
}

/** Reads a `.csv` or `.csv.gz` with a header of column names. Throws RangeError on a bad cell. */
export async function loadRecording(file: string): Promise<Recording> {
  const bytes = await readFile(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return parseRecording(text)
}

export function parseRecording(text: string): Recording {
  const [header = '', ...lines] = text.trim().split('\n')
  const columns = header.split(',')
  const rows = lines.map((line, i) => {
    const values = line.split(',').map(Number)
    if (values.length !== columns.length || values.some((value) => !Number.isFinite(value))) {
      throw new RangeError(`line ${i + 2} of the recording is not ${columns.length} numbers`)
    }
    return values
  })
  if (rows.length === 0) throw new RangeError('the recording has no rows')
  return { columns, rows }
}

/** The row shown after so many seconds of machine time; after the last row the first comes again. */
export function rowAt(recording: Recording, seconds: number): ReplayRow {
  const count = recording.rows.length
  const index = ((Math.floor(seconds) % count) + count) % count
  return { values: recording.rows[index] ?? [], index, second: index % CYCLE_ROWS }
}

/** Which recording plays, and since which second of machine time (always the start of a cycle). */
export interface ReplayState<Name extends string> {
  name: Name
  since: number
}

/**
 * Goes over to another recording in the middle of a cycle: it begins with its first cycle, at the
 * second of the cycle that is just running, so that the load goes on as if nothing had happened.
 */
export function switchRecording<Name extends string>(
  state: ReplayState<Name>,
  name: Name,
  seconds: number,
): ReplayState<Name> {
  if (state.name === name) return state
  return { name, since: Math.floor(seconds / CYCLE_ROWS) * CYCLE_ROWS }
}
