/** Which time nobody watched: from the last sign of life to this start, told as gaps. */
import type { Gap } from '../../protocol/model.ts'
import type { OpenedLogFile } from './open-log-file.ts'
import { elapsedMs, readUptime, type Uptime } from './uptime.ts'

/** A publishing interval of a second and a flush. */
const COVERAGE_LAG_MS = 1500

export interface DeadTime {
  gateway: string
  maxAgeMs: number
  coverageLagMs?: number
}

export interface Start {
  /** When acquisition began, by a clock that is set. */
  at: number
  /** Monotonic ms since then. */
  agoMs: number
  /** Of the machine, now. */
  uptime?: Uptime
}

/** The gaps of one start. */
export function createStartGaps(
  { lastAlive, lastUptime, corruptSince }: Omit<OpenedLogFile, 'file'>,
  { gateway, maxAgeMs, coverageLagMs = COVERAGE_LAG_MS }: DeadTime,
  { at, agoMs, uptime = readUptime() }: Start,
): Gap[] {
  const gaps: Gap[] = []
  if (corruptSince !== undefined && corruptSince <= at) {
    gaps.push({ gateway, from: corruptSince, to: at, reason: 'corrupt' })
  }
  if (lastAlive === undefined) return gaps
  const upMs = elapsedMs(lastUptime, uptime)
  const from = deadSince({ lastAlive, deadMs: upMs && upMs - agoMs, at, maxAgeMs })
  if (from < at) gaps.push({ gateway, from: from - coverageLagMs, to: at, reason: 'gateway-down' })
  return gaps
}

interface LastSign {
  /** By the clock as it was. */
  lastAlive: number
  /** By the machine's uptime; undefined after a boot. */
  deadMs: number | undefined
  at: number
  maxAgeMs: number
}

/** Clock and uptime differ by more: the clock was stepped. */
const STEP_MS = 1000

/**
 * The clock may have been stepped while nobody ran: of clock and uptime the earlier word counts. A last sign in the
 * future was given by a wrong clock; after a boot nothing tells how long ago, and the gap covers all that may be kept.
 */
function deadSince({ lastAlive, deadMs, at, maxAgeMs }: LastSign): number {
  if (deadMs === undefined) return lastAlive <= at ? lastAlive : at - maxAgeMs
  const isStepped = Math.abs(at - lastAlive - deadMs) > STEP_MS
  return isStepped ? Math.min(lastAlive, at - deadMs) : lastAlive
}
