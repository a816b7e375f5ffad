/** Counts failed tries per key and makes the next ones wait; pure but for its own memory, time is passed in. */

interface Failures {
  count: number
  lastAt: number
}

export interface ThrottleKey {
  key: string
  /** So many tries may fail before waiting begins. */
  free: number
}

export interface Throttle {
  /** Takes a try for every key, or answers how long to wait (ms) and takes none. */
  take(keys: readonly ThrottleKey[], now: number): { waitMs: number }
  /** The try was good: its keys start afresh. */
  forgive(keys: readonly ThrottleKey[]): void
}

/** The first wait; it doubles with every further failure. */
const FIRST_WAIT_MS = 10_000
/** Nobody is locked out for longer by a stranger who guesses at his name. */
const MAX_WAIT_MS = 15 * 60_000
/** After this long without a try a key is forgotten. */
const FORGET_AFTER_MS = 60 * 60_000
/** Bounds the memory under a flood of made-up names; the oldest key is forgotten first. */
const MAX_KEYS = 20_000

export function createThrottle(maxKeys = MAX_KEYS): Throttle {
  const failures = new Map<string, Failures>()

  function waitOf({ key, free }: ThrottleKey, now: number): number {
    const seen = failures.get(key)
    if (!seen || now - seen.lastAt > FORGET_AFTER_MS || seen.count < free) return 0
    const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(seen.count - free, 20))
    return Math.max(0, seen.lastAt + wait - now)
  }

  function count(key: string, now: number): void {
    const seen = failures.get(key)
    const fresh = !seen || now - seen.lastAt > FORGET_AFTER_MS
    failures.delete(key)
    failures.set(key, { count: fresh ? 1 : seen.count + 1, lastAt: now })
    const oldest = failures.keys().next()
    if (failures.size > maxKeys && !oldest.done) failures.delete(oldest.value)
  }

  return {
    take(keys, now) {
      const waitMs = Math.max(0, ...keys.map((key) => waitOf(key, now)))
      // Counted before the password is checked: a thousand tries at once are a thousand tries.
      if (waitMs === 0) for (const { key } of keys) count(key, now)
      return { waitMs }
    },
    forgive(keys) {
      for (const { key } of keys) failures.delete(key)
    },
  }
}
