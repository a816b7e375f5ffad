/** What counters must not forget over a restart: one small file a device, written beside and renamed. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Log } from '../../protocol/kit/log.ts'
import type { CounterState } from './counter.ts'

export type CounterStates = Record<string, CounterState>

export interface CounterFile {
  /** Empty where there is no file, or one that cannot be read: that is logged. */
  load(): CounterStates
  /** Writes at most every ten seconds: the device itself remembers what it counted meanwhile. */
  keep(states: () => CounterStates): void
  save(states: CounterStates): void
}

const SAVE_MS = 10_000

export function createCounterFile(file: string, log: Log): CounterFile {
  let savedMs = Number.NEGATIVE_INFINITY
  const save = (states: CounterStates) => {
    savedMs = performance.now()
    try {
      write(file, JSON.stringify(states))
    } catch (error) {
      // A full disk costs the memory of resets, not the readings.
      log.error({ err: error, file }, 'the counters cannot be kept on disk')
    }
  }
  return {
    load() {
      try {
        return JSON.parse(readFileSync(file, 'utf8')) as CounterStates
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          log.error({ err: error, file }, 'the counters on disk cannot be read; they start anew')
        return {}
      }
    },
    keep(states) {
      if (performance.now() - savedMs >= SAVE_MS) save(states())
    },
    save,
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const handle = openSync(`${file}.new`, 'w', 0o600)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(`${file}.new`, file)
}
