/** Notices that two edge nodes use one identity, by their birth-death numbers: each goes on counting its own. */
import { missingBefore } from '../../protocol/sparkplug/sequence.ts'

/** Three turns of two nodes: a single node that restarts, or that lost its number, does not get there. */
const CROSSINGS = 3
const WITHIN_MS = 600_000
/** A node skips a number for each CONNECT that came to nothing; a few in ten minutes of being put out. */
const MAX_STEP = 16
/** Half of the circle of 256: what lies further ahead lies behind. */
const HALF = 128
const MAX_BIRTHS = 64

export interface IdentityWatch {
  /**
   * A new session was born. Answers the take-overs seen within ten minutes when two nodes must be behind this identity:
   * when it is found, and every ten minutes while it goes on.
   */
  born(bdSeq: number, at: number): number | undefined
}

/** Pure but for its memory. */
export function createIdentityWatch(): IdentityWatch {
  let births: { bdSeq: number; at: number }[] = []
  let crossings: number[] = []
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    born(bdSeq, at) {
      births = births.filter((birth) => at - birth.at < WITHIN_MS).slice(1 - MAX_BIRTHS)
      crossings = crossings.filter((time) => at - time < WITHIN_MS)
      const numbers = births.map((birth) => birth.bdSeq)
      if (isCrossing(numbers, bdSeq)) crossings.push(at)
      births.push({ bdSeq, at })
      if (crossings.length < CROSSINGS || at - toldAt < WITHIN_MS) return undefined
      toldAt = at
      return crossings.length * 2
    },
  }
}

/** It does not go on from the last birth, but from one before it: somebody else was born in between. */
function isCrossing(numbers: readonly number[], bdSeq: number): boolean {
  const last = numbers.at(-1)
  if (last === undefined) return false
  const step = missingBefore(last, bdSeq)
  if (step > 0 && step < HALF) return false
  return numbers.slice(0, -1).some((number) => {
    const ahead = missingBefore(number, bdSeq)
    return ahead > 0 && ahead <= MAX_STEP
  })
}
