/** Decides how many connections may begin: a token bucket, for a fleet that comes back all at once. */

export interface GateOptions {
  /** Sustained connections per second. */
  perSecond: number
  /** How many may come at once after a quiet time. */
  burst: number
}

/** Answers whether one more connection may begin at this instant (Unix ms). */
export function createGate({ perSecond, burst }: GateOptions): (now: number) => boolean {
  let tokens = burst
  let last = Number.NEGATIVE_INFINITY
  return (now) => {
    // A clock set back must neither take tokens nor give any.
    const elapsedMs = Number.isFinite(last) ? Math.max(0, now - last) : 0
    tokens = Math.min(burst, tokens + (elapsedMs * perSecond) / 1_000)
    last = now
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
