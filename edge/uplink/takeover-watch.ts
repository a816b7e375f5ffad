/** Notices that somebody else uses our identity: MQTT lets the newest of two clients of one id live and ends the other. */

/** A broker ends a sound connection now and then; this often means that another client of our id connects in between. */
export const TAKEOVERS = 5
export const WITHIN_MS = 600_000

export interface Contest {
  /** When it was first noticed, Unix ms. */
  since: number
  /** Take-overs within the last ten minutes. */
  takeovers: number
}

export interface TakeoverWatch {
  /** The broker ended an accepted session in good order, unasked. */
  ended(at: number): void
  /** The outcome of the next CONNECT: a broker that takes us back at once was not restarting. */
  tried(accepted: boolean): void
  /** Undefined: nobody else seems to use our identity. */
  contest(now: number): Contest | undefined
  /** All of them since the start. */
  total(): number
}

/**
 * Pure but for its memory. MQTT 3.1.1 has no word for "taken over": what is seen is an orderly end of the connection and
 * an open door right after. A cut line ends in an error or in silence, a broker that restarts refuses the first try.
 */
export function createTakeoverWatch(): TakeoverWatch {
  let times: number[] = []
  let suspect: number | undefined
  let since: number | undefined
  let total = 0
  return {
    ended(at) {
      suspect = at
    },
    tried(accepted) {
      if (accepted && suspect !== undefined) {
        times.push(suspect)
        total += 1
      }
      suspect = undefined
    },
    contest(now) {
      times = times.filter((at) => now - at < WITHIN_MS)
      if (times.length < TAKEOVERS) since = undefined
      else since ??= now
      return since === undefined ? undefined : { since, takeovers: times.length }
    },
    total: () => total,
  }
}
