/** Which kinds of status a printer leaves unanswered: waiting for them holds the port that the till needs. */
import type { StatusKind } from './status-bytes.ts'

/** The first wait before a kind that was not answered is asked for again; it doubles. */
const FIRST_REST_MS = 10_000
/** A printer may be exchanged for one that answers. */
const LONGEST_REST_MS = 600_000

export interface Silence {
  /** Of these, the ones to ask now; whatever was silent once comes last, since the visit ends at it. */
  order(kinds: readonly StatusKind[], nowMs: number): StatusKind[]
  /** What a visit found. */
  note(
    found: { bytes: ReadonlyMap<StatusKind, number>; silent?: StatusKind | undefined },
    nowMs: number,
  ): void
}

export function createSilence(): Silence {
  const silent = new Map<StatusKind, { restMs: number; untilMs: number }>()
  return {
    order(kinds, nowMs) {
      const due = kinds.filter((kind) => (silent.get(kind)?.untilMs ?? nowMs) <= nowMs)
      const rest = (kind: StatusKind) => silent.get(kind)?.restMs ?? 0
      return due.sort((one, other) => rest(one) - rest(other))
    },
    note({ bytes, silent: kind }, nowMs) {
      for (const answered of bytes.keys()) silent.delete(answered)
      if (kind === undefined) return
      const before = silent.get(kind)?.restMs
      const restMs = Math.min(LONGEST_REST_MS, before === undefined ? FIRST_REST_MS : 2 * before)
      silent.set(kind, { restMs, untilMs: nowMs + restMs })
    },
  }
}
