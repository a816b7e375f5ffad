/** Waiting between tries: exponential with full jitter, cancelled by a signal. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface BackoffOptions {
  /** First upper bound. */
  minMs: number
  /** Cap: a site that comes back after a day must not wait longer than this. */
  maxMs: number
}

/** The wait before try `attempt` (0-based), in ms; `random` in [0, 1). */
export function backoffMs(
  attempt: number,
  options: BackoffOptions,
  random = Math.random(),
): number {
  const ceiling = Math.min(options.maxMs, options.minMs * 2 ** Math.min(attempt, 30))
  return Math.round(ceiling / 2 + (random * ceiling) / 2)
}

/** Sleeps before try `attempt`; resolves false when the signal aborted meanwhile. */
export async function pause(
  attempt: number,
  options: BackoffOptions,
  signal: AbortSignal,
): Promise<boolean> {
  return await wait(backoffMs(attempt, options), signal)
}

/** Sleeps; resolves false when the signal aborted meanwhile. Never rejects. */
export async function wait(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}
