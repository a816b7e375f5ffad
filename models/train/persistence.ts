/** From points above the threshold to an alarm that lasts: on-delay, off-delay and the peak-relative clear. */

export interface PersistenceRule {
  onDelayMs: number
  offDelayMs: number
  /** While active the ratio must fall below max(1, peakClear * peak). */
  peakClear: number
}

export interface Persistence {
  active: boolean
  /** Since when the condition for the other state has held without a break. */
  since?: number
  /** Highest ratio since the alarm became active. */
  peak: number
}

export const quiet: Persistence = { active: false, peak: 0 }

/** The next state; `ratio` undefined (unknown) changes nothing and breaks a running delay to on. */
export function nextPersistence(
  state: Persistence,
  { at, ratio }: { at: number; ratio: number | undefined },
  rule: PersistenceRule,
): Persistence {
  if (ratio === undefined) return state.active ? state : quiet
  const peak = state.active ? Math.max(state.peak, ratio) : ratio
  const limit = state.active ? Math.max(1, rule.peakClear * peak) : 1
  const change = state.active ? ratio <= limit : ratio > limit
  if (!change) return { active: state.active, peak }
  const since = state.since ?? at
  const delayMs = state.active ? rule.offDelayMs : rule.onDelayMs
  if (at - since < delayMs) return { active: state.active, since, peak }
  return { active: !state.active, peak }
}
