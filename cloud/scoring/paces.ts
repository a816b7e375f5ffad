/** Which files are slow to run: a model that takes seconds must not keep all the others waiting. */

/** A thousand windows take under 50 ms; who takes this long holds up every asset of the second. */
const SLOW_MS = 1000
/** One slow run may be a busy machine; so many in a row are the model. */
const SLOW_RUNS = 3
/** So many quick ones in a row, and it counts as quick again. */
const QUICK_RUNS = 60

export interface Paces {
  note(sha256: string, tookMs: number): void
  isSlow(sha256: string): boolean
  /** Nobody runs this file any more. */
  forget(sha256: string): void
}

export function createPaces(): Paces {
  const known = new Map<string, { slow: boolean; against: number }>()
  return {
    note(sha256, tookMs) {
      const { slow, against } = known.get(sha256) ?? { slow: false, against: 0 }
      const isAgainst = tookMs > SLOW_MS !== slow
      const count = isAgainst ? against + 1 : 0
      const turns = count >= (slow ? QUICK_RUNS : SLOW_RUNS)
      known.set(sha256, turns ? { slow: !slow, against: 0 } : { slow, against: count })
    },
    isSlow: (sha256) => known.get(sha256)?.slow ?? false,
    forget: (sha256) => void known.delete(sha256),
  }
}
