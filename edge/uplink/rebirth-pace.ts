/** How fast births may follow each other when a host asks for them again and again. */

/** Births of 5,000 tags are 400 kB: a host that asks for them without end gets them no faster than this. */
export const MIN_BIRTH_MS = 1_000

export interface RebirthPace {
  /** A birth sequence is out. */
  born(now: number): void
  /** A rebirth is wanted: ms to wait before it, or undefined when it is the data's turn first. */
  due(now: number): number | undefined
}

/**
 * Pure but for its memory. The first request after a calm second is answered at once; one that comes sooner stops the data
 * too, but waits. After a birth that waited the data has its turn once, or a host that never stops asking would stop it for ever.
 */
export function createRebirthPace(): RebirthPace {
  let bornAt = Number.NEGATIVE_INFINITY
  let hasWaited = false
  return {
    born(now) {
      bornAt = now
    },
    due(now) {
      const waitMs = Math.max(0, bornAt + MIN_BIRTH_MS - now)
      if (waitMs > 0 && hasWaited) {
        hasWaited = false
        return undefined
      }
      hasWaited = waitMs > 0
      return waitMs
    },
  }
}
