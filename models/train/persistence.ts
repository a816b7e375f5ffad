/** From points above the threshold to an alarm that lasts: on-delay, off-delay, deadband, peak-relative clear and ring-down. */

export interface PersistenceRule {
  onDelayMs: number
  offDelayMs: number
  /** While active the ratio must fall below max(1 - deadband, peakClear * peak). */
  peakClear: number
  /** ISA-18.2: what hovers at the limit must not come and go; 0 when left out. */
  deadband?: number
}

export interface Persistence {
  active: boolean
  /** Since when the condition for the other state has held without a break. */
  since?: number
  /** Highest ratio since the alarm became active. */
  peak: number
  /** When the alarm became active. */
  onAt?: number
  /** After a peak-relative clear: the limit for a new alarm, and until when. */
  ringing?: { limit: number; until: number }
}

export const quiet: Persistence = { active: false, peak: 0 }

/**
 * The next state; `ratio` undefined (unknown) changes nothing and breaks a running delay to on. An alarm that cleared
 * relative to its peak leaves a process that rings down: for as long as the alarm had lasted, a new one must rise above
 * the limit at which the old one cleared, or the two would take turns.
 */
export function nextPersistence(
  state: Persistence,
  { at, ratio }: { at: number; ratio: number | undefined },
  rule: PersistenceRule,
): Persistence {
  const { active, onAt } = state
  const ringing = state.ringing && at <= state.ringing.until ? { ringing: state.ringing } : {}
  if (ratio === undefined) return active ? state : { ...quiet, ...ringing }
  const peak = active ? Math.max(state.peak, ratio) : ratio
  const clear = 1 - (rule.deadband ?? 0)
  const limit = active ? Math.max(clear, rule.peakClear * peak) : (ringing.ringing?.limit ?? 1)
  const kept = { active, peak, ...(active ? { onAt } : ringing) }
  if (active ? ratio > limit : ratio <= limit) return kept
  const since = state.since ?? at
  if (at - since < (active ? rule.offDelayMs : rule.onDelayMs)) return { ...kept, since }
  if (!active) return { active: true, peak, onAt: at }
  return {
    active: false,
    peak,
    ringing: { limit: Math.max(1, limit), until: at + (at - (onAt ?? at)) },
  }
}
