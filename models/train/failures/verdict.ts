/** From shares of belief and strangeness to what is said: a mode, normal operation, or none of the known ones. */
import type { Looks } from './fit-failures.ts'

/** Stands for "none of the known ones". */
export const NONE = -1
/** The class of normal operation. */
export const NORMAL = 0
/** With less belief than this two modes look alike: no name is better than the wrong one. (At 0.5 the rig had three wrong ones.) */
export const LEAST_SHARE = 0.7
/** More belief than this is never asked for. */
const MOST_SHARE = 0.95
/** Above the belief that a failure nobody knew has reached. */
const SHARE_MARGIN = 0.01

/** The belief that a name needs: more than cases of modes that were left out of the training had in a wrong one. */
export function findLeastShare(wrongShares: readonly number[]): number {
  const highest = Math.max(0, ...wrongShares)
  return Math.min(MOST_SHARE, Math.max(LEAST_SHARE, highest + SHARE_MARGIN))
}

export interface Verdict {
  /** Class number, or NONE. */
  said: number
  /** True: it is unlike everything that was labelled; false: it is between some of them. */
  isStrange: boolean
}

export function decide({ shares, strangeness }: Looks, leastShare = LEAST_SHARE): Verdict {
  const best = shares.indexOf(Math.max(...shares))
  if ((strangeness[best] ?? Number.POSITIVE_INFINITY) >= 1) {
    const isStrange = strangeness.every((one) => one >= 1)
    return { said: NONE, isStrange }
  }
  const least = best === NORMAL ? LEAST_SHARE : leastShare
  if ((shares[best] ?? 0) < least) return { said: NONE, isStrange: false }
  return { said: best, isStrange: false }
}
