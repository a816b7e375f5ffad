/** What people said about alarms becomes a proposal for the threshold; never a change by itself. */

export const verdicts = ['useful', 'too-sensitive', 'noisy-data', 'wrong-data'] as const
export type Verdict = (typeof verdicts)[number]

export interface JudgedAlarm {
  /** The largest ratio of the alarm. */
  peak: number
  verdict: Verdict
}

export interface ThresholdProposal {
  /** Of the threshold as it is now. */
  factor: number
  /** Alarms that people called too sensitive, and how many of them would have been silent. */
  nuisances: number
  silenced: number
  useful: number
  /** In words. */
  why: string
}

/** Fewer judged nuisances than this are an anecdote. */
const MIN_NUISANCES = 3
/** The proposal stays this far below the weakest useful alarm: it must still come, and not much later. */
const USEFUL_MARGIN = 0.8
/** And this far above the nuisances it silences. */
const NUISANCE_MARGIN = 1.05
/** Where no alarm was useful yet, nothing tells how far one may go. */
const BLIND_LIMIT = 1.5
/** A larger change is not for a threshold: the model must be trained again. */
const MAX_FACTOR = 5
/** Less of a change is not worth a decision. */
const MIN_FACTOR = 1.02

/**
 * The factor that silences most of the alarms judged too sensitive while every useful one stays. Noisy or wrong data
 * say nothing about the threshold. Undefined when the labels do not speak for a change.
 */
export function proposeThreshold(alarms: readonly JudgedAlarm[]): ThresholdProposal | undefined {
  const peaks = (verdict: Verdict) =>
    alarms.filter((one) => one.verdict === verdict && one.peak > 0).map(({ peak }) => peak)
  const useful = peaks('useful')
  const nuisances = peaks('too-sensitive')
  if (nuisances.length < MIN_NUISANCES) return undefined
  const weakest = useful.length > 0 ? Math.min(...useful) * USEFUL_MARGIN : BLIND_LIMIT
  const highest = Math.min(weakest, MAX_FACTOR)
  const reachable = nuisances.filter((peak) => peak * NUISANCE_MARGIN <= highest)
  if (reachable.length * 2 < nuisances.length) return undefined
  const factor = Math.max(...reachable) * NUISANCE_MARGIN
  if (factor < MIN_FACTOR) return undefined
  const rounded = Math.ceil(factor * 100) / 100
  const stay = useful.length > 0 ? `all ${useful.length} useful ones stay` : 'none was useful yet'
  const why = `${reachable.length} of ${nuisances.length} alarms judged too sensitive would have been silent; ${stay}`
  return {
    factor: rounded,
    nuisances: nuisances.length,
    silenced: reachable.length,
    useful: useful.length,
    why,
  }
}

/** The words of a failure mode as they are compared: "Cooler  fouling" and "cooler fouling" are one mode. */
export function foldMode(mode: string): string {
  return mode.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()
}
