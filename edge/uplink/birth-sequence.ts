/** The birth-death number of each CONNECT: one more than the last one, over restarts too where there is a file. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { nextSequence } from '../../protocol/sparkplug/sequence.ts'

export interface BirthSequence {
  /** The number for the next CONNECT; on disk before it is answered. */
  next(): number
}

/**
 * tck-id-topics-nbirth-bdseq-increment: starts at 0, once in the life of a gateway. A process that began at 0 again could
 * be buried by its own old will: a broker that learns late of the death publishes it after the new birth.
 * A file that cannot be written costs only that: the count goes on in memory.
 */
export function openBirthSequence(file: string | undefined): BirthSequence {
  let last = file === undefined ? undefined : readNumber(file)
  return {
    next() {
      last = last === undefined ? 0 : nextSequence(last)
      if (file !== undefined) keepNumber(file, last)
      return last
    },
  }
}

/** Undefined: no file yet, or one that holds no such number. */
function readNumber(file: string): number | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim()
    const number = Number(text)
    return /^\d{1,3}$/.test(text) && number <= 255 ? number : undefined
  } catch {
    return undefined
  }
}

function keepNumber(file: string, number: number): void {
  try {
    // Renamed into place: a power cut leaves the old number or the new one, never half of one.
    writeFileSync(`${file}.new`, `${number}\n`)
    renameSync(`${file}.new`, file)
  } catch {
    // A full disk stops the outbox first, and loudly; delivery must not end because of a number.
  }
}
