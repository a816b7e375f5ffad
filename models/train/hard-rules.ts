/** Rules beside a one-tag detector that need no statistics: stuck, out of range, too fast, stale. */
import type { Manifest, TagRules } from '../manifest.ts'
import type { Segments } from './detector.ts'
import type { Rows } from './grid.ts'

/** Outside the history by more than this part of its range. */
const RANGE_MARGIN = 0.5
/** Faster than the fastest step of the history by this factor. */
const RATE_MARGIN = 1.5
/** Unchanged for this many times the longest rest of the history, and never less than the rows below. */
const STUCK_FACTOR = 3
const MIN_STUCK_ROWS = 30
/** A tag that rests longer than this part of its history (a valve, a setpoint) is not called stuck. */
const RESTING_SHARE = 0.1

/** `stale` is unknown, not wrong: it is no reason for an alarm. */
export type Breach = 'stuck' | 'out-of-range' | 'rate' | 'stale'

/** What was seen last of one tag. */
export interface RuleState {
  value?: number
  /** Rows for which the value has been the same, this one included. */
  sameRows: number
}

export const unseen: RuleState = { sameRows: 0 }

/** Limits of every tag from its history. */
export function findRules(rows: Rows, segments: Segments): TagRules[] {
  return Array.from({ length: rows.width }, (_, tag) => findTagRules(rows, segments, tag))
}

function findTagRules(rows: Rows, segments: Segments, tag: number): TagRules {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  let step = 0
  let longest = 0
  let count = 0
  for (const [from, to] of segments) {
    let state = unseen
    for (let row = from; row < to; row++, count++) {
      const value = rows.values[row * rows.width + tag] ?? 0
      if (state.value !== undefined) step = Math.max(step, Math.abs(value - state.value))
      state = nextSeen(state, value)
      low = Math.min(low, value)
      high = Math.max(high, value)
      longest = Math.max(longest, state.sameRows)
    }
  }
  const margin = RANGE_MARGIN * (high - low)
  const rules = { low: low - margin, high: high + margin, maxStep: RATE_MARGIN * step }
  if (longest > RESTING_SHARE * count) return rules
  return { ...rules, stuckRows: Math.max(MIN_STUCK_ROWS, STUCK_FACTOR * longest) }
}

function nextSeen(state: RuleState, value: number): RuleState {
  return { value, sameRows: value === state.value ? state.sameRows + 1 : 1 }
}

/** The next state of a tag and the rule that its value breaks; `value` undefined where it is too old. */
export function nextRules(
  state: RuleState,
  value: number | undefined,
  rules: TagRules,
): { state: RuleState; breach?: Breach } {
  if (value === undefined) return { state: unseen, breach: 'stale' }
  const next = nextSeen(state, value)
  if (value < rules.low || value > rules.high) return { state: next, breach: 'out-of-range' }
  if (state.value !== undefined && Math.abs(value - state.value) > rules.maxStep)
    return { state: next, breach: 'rate' }
  if (rules.stuckRows !== undefined && next.sameRows > rules.stuckRows)
    return { state: next, breach: 'stuck' }
  return { state: next }
}

/** The broken rules of every row as `name:rule`, the first tag first; a stale tag is unknown and not among them. */
export function findBreaches(rows: Rows, tags: Manifest['tags']): string[][] {
  const states = tags.map(() => unseen)
  return Array.from({ length: rows.count }, (_, row) =>
    tags.flatMap(({ name, rules }, tag) => {
      if (!rules) return []
      const cell = rows.values[row * rows.width + tag] ?? Number.NaN
      const next = nextRules(states[tag] ?? unseen, Number.isNaN(cell) ? undefined : cell, rules)
      states[tag] = next.state
      return next.breach && next.breach !== 'stale' ? [`${name}:${next.breach}`] : []
    }),
  )
}
