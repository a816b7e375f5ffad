/** When a case's machine counts as mended: its ratio below 1, known and good, without a break for long enough. Pure. */
import { quality, type Sample } from '../../protocol/model.ts'

export interface RecoveryMemory {
  /** Since when the ratio has been below the limit, data time; null: it is not. */
  belowSince: number | null
  /** Since when it has been at or above it again after the recovery; null: it is not. */
  aboveSince: number | null
  lastAt: number
  /** The recovery has held and was not lost again. */
  held: boolean
}

/** `relapsed`: the ratio came back after the recovery had held. */
export type RecoveryChange = 'held' | 'relapsed' | undefined

/** At this ratio the score is at its threshold. */
export const RECOVERY_LIMIT = 1
/** A relapse must be meant: a single row above the limit is noise. */
export const RELAPSE_MS = 5_000
/** Nothing is continuous across a hole in the data longer than this. */
const MAX_HOLE_MS = 60_000

export function initialRecovery(held = false): RecoveryMemory {
  return { belowSince: null, aboveSince: null, lastAt: 0, held }
}

/** Takes one ratio; an older one than the newest seen changes nothing, unless that lies in a future that never was. */
export function applyRatio(
  known: RecoveryMemory,
  sample: Pick<Sample, 'at' | 'value' | 'quality'>,
  {
    holdMs,
    holeMs = MAX_HOLE_MS,
  }: { holdMs: number /** A slow model's own pace. */; holeMs?: number },
): { memory: RecoveryMemory; change: RecoveryChange } {
  const { at, value } = sample
  const longestMs = Math.max(MAX_HOLE_MS, holeMs)
  // The clock was ahead and was set right: until it is there again nobody would see that the machine is well.
  const memory = known.lastAt - at > longestMs ? initialRecovery(known.held) : known
  if (at <= memory.lastAt) return { memory, change: undefined }
  const isContinuous = at - memory.lastAt <= longestMs
  const isKnown =
    typeof value === 'number' && !Number.isNaN(value) && sample.quality === quality.good
  if (!isKnown) {
    // Not known is neither well nor ill: both conditions start afresh.
    return {
      memory: { ...memory, belowSince: null, aboveSince: null, lastAt: at },
      change: undefined,
    }
  }
  const isBelow = value < RECOVERY_LIMIT
  const belowSince = isBelow ? ((isContinuous ? memory.belowSince : null) ?? at) : null
  const aboveSince = isBelow ? null : ((isContinuous ? memory.aboveSince : null) ?? at)
  const next = { belowSince, aboveSince, lastAt: at, held: memory.held }
  if (!memory.held && belowSince !== null && at - belowSince >= holdMs) {
    return { memory: { ...next, held: true }, change: 'held' }
  }
  if (memory.held && aboveSince !== null && at - aboveSince >= RELAPSE_MS) {
    return { memory: { ...next, held: false }, change: 'relapsed' }
  }
  return { memory: next, change: undefined }
}

/** How long it has held so far, by the data's time. */
export function heldMs({ belowSince, lastAt }: RecoveryMemory): number {
  return belowSince === null ? 0 : lastAt - belowSince
}

/** The condition as a person reads it. */
export function describeRecovery(holdMs: number): string {
  return `Model/Ratio below ${RECOVERY_LIMIT} for ${Math.round(holdMs / 1_000)} s`
}
