/** The operating mode of each instant by its live tag: known, learned and settled, or why no window may stand in it. */
import {
  describeUnlearned,
  formatMode,
  isSettled,
  nextMode,
  noMode,
  SETTLE_ROWS,
} from '../../models/modes.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'

/** A mode that changes this often between two instants is none; also what comes ahead of its time. */
const MAX_SAMPLES = 4096

export interface ModeOptions {
  tag: TagId
  /** The name that reasons use. */
  name: string
  /** A value older than this at its instant is stale. */
  holdMs: number
  /** Modes that there is a model for. */
  known: ReadonlySet<string>
}

export type ModeAnswer =
  | { mode: string }
  | {
      reason: string /** Nothing is wrong: it has only just changed. */
      filling: boolean
    }

export interface ModeGate {
  accept(sample: Sample): void
  /** Every grid instant in turn. */
  next(at: number): ModeAnswer
  /** Instants were left out. */
  reset(): void
}

/** The rule of the back-test (`models/train/mode-rows.ts`), one row at a time. */
export function createModeGate(options: ModeOptions): ModeGate {
  const { tag, name, known } = options
  /** In order of time. */
  const samples: Sample[] = []
  let state = noMode
  return {
    accept(sample) {
      if (sample.tag !== tag) return
      const after = samples.findLastIndex(({ at }) => at <= sample.at) + 1
      // Said again of the same instant: the later word counts.
      samples.splice(after, 0, sample)
      if (samples.length > MAX_SAMPLES) samples.shift()
    },
    next(at) {
      const newest = samples.findLastIndex((sample) => sample.at <= at)
      samples.splice(0, Math.max(0, newest))
      const found = readMode(newest < 0 ? undefined : samples[0], at, options)
      state = nextMode(state, 'mode' in found ? found.mode : undefined)
      if ('problem' in found)
        return {
          reason: `the operating mode is not known: ${name} ${found.problem}`,
          filling: false,
        }
      const { mode } = found
      if (!known.has(mode)) return { reason: describeUnlearned(mode), filling: false }
      if (isSettled(state)) return { mode }
      const reason = `mode "${mode}" begins: ${state.rows} of ${SETTLE_ROWS} rows to settle`
      return { reason, filling: true }
    },
    reset() {
      state = noMode
    },
  }
}

function readMode(
  sample: Sample | undefined,
  at: number,
  { holdMs }: ModeOptions,
): { mode: string } | { problem: string } {
  if (!sample) return { problem: 'has no sample yet' }
  if (sample.quality === quality.stale) return { problem: 'is stale' }
  if (sample.quality !== quality.good) return { problem: 'has bad quality' }
  if (at - sample.at > holdMs) return { problem: `has no sample for ${holdMs} ms` }
  const mode = formatMode(sample.value)
  return mode === '' ? { problem: 'has no value' } : { mode }
}
