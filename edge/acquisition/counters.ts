/** What a link counts; someone else exposes it. */

export interface LinkCounters {
  /** Reads of a group. */
  polls: number
  /** Instants skipped because the previous read of the group was still running. */
  skipped: number
  /** Sum and largest of how late the reads started, ms. */
  lateMs: number
  lateMaxMs: number
  /** Readings with a bad quality. */
  exceptions: number
  /** Times the line was lost, silence included. */
  disconnects: number
  /** Of them: no answer in time. */
  timeouts: number
  /** Connections made after the first. */
  reconnects: number
  /** Samples handed on. */
  samples: number
  /** Readings not worth reporting (deadband). */
  suppressed: number
  /** Samples emitted because the tag had gone stale. */
  stale: number
  /** Source times that could not be kept. */
  clockRepairs: number
}

export function createLinkCounters(): LinkCounters {
  return {
    polls: 0,
    skipped: 0,
    lateMs: 0,
    lateMaxMs: 0,
    exceptions: 0,
    disconnects: 0,
    timeouts: 0,
    reconnects: 0,
    samples: 0,
    suppressed: 0,
    stale: 0,
    clockRepairs: 0,
  }
}
