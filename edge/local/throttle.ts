/** How many wrong passwords are listened to: a few at once, then ever longer waits; pure but for its memory. */

/** Wrong tries of one address before it has to wait. */
const FREE_TRIES = 5
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 15 * 60_000
/** All addresses together, an hour: a PIN of six digits holds for a year against a whole network. */
const FAILURES_AN_HOUR = 100
const HOUR_MS = 3_600_000
/** Addresses remembered. */
const MAX_ADDRESSES = 1_000

export interface Throttle {
  /** Milliseconds this address has to wait; 0: it may try. */
  waitMs(address: string, now: number): number
  failed(address: string, now: number): void
  succeeded(address: string): void
}

export function createThrottle(): Throttle {
  const byAddress = new Map<string, { failures: number; openAt: number }>()
  let recent: number[] = []
  return {
    waitMs(address, now) {
      recent = recent.filter((at) => at > now - HOUR_MS)
      const [oldest = now] = recent
      const crowded = recent.length >= FAILURES_AN_HOUR ? oldest + HOUR_MS - now : 0
      return Math.max(0, crowded, (byAddress.get(address)?.openAt ?? 0) - now)
    },
    failed(address, now) {
      recent.push(now)
      const failures = (byAddress.get(address)?.failures ?? 0) + 1
      const beyond = failures - FREE_TRIES
      const wait = Math.min(FIRST_WAIT_MS * 2 ** beyond, LONGEST_WAIT_MS)
      byAddress.delete(address)
      byAddress.set(address, { failures, openAt: beyond < 0 ? 0 : now + wait })
      const [first] = byAddress.keys()
      if (byAddress.size > MAX_ADDRESSES && first !== undefined) byAddress.delete(first)
    },
    succeeded: (address) => void byAddress.delete(address),
  }
}
