/** One word about an asset, and the reason in words when nothing can be said. */
import type { AssetSummary } from '../../protocol/api.ts'
import { quality, type Sample } from '../../protocol/model.ts'

export interface HealthFacts {
  hasModel: boolean
  /** The model is loaded and scores. */
  isScoring: boolean
  /** Why the newest instant has no score, in words. */
  why?: string
  /** How long a score of its model counts as now. */
  freshMs?: number
  ratio: Sample | undefined
  activeAlarms: number
  /** Gateways of its tags that are offline, with since when (Unix ms). */
  offline: readonly { gateway: string; since: number | null }[]
  now: number
}

export type Health = Pick<AssetSummary, 'health' | 'healthReason' | 'ratio'>

/** A score older than this says nothing about now, unless its model is slower by itself. */
export const SCORE_FRESH_MS = 60_000

export function judgeHealth(facts: HealthFacts): Health {
  const { ratio: sample, now } = facts
  const ratio = typeof sample?.value === 'number' ? sample.value : null
  const unknown = (healthReason: string): Health => ({ health: 'unknown', healthReason, ratio })
  if (facts.activeAlarms > 0) return { health: 'alarm', healthReason: null, ratio }
  const [lost] = facts.offline
  if (lost) {
    const since = lost.since === null ? '' : ` since ${new Date(lost.since).toISOString()}`
    return unknown(`gateway ${lost.gateway} is offline${since}`)
  }
  if (!facts.hasModel) return { health: 'no-model', healthReason: null, ratio: null }
  if (!facts.isScoring) return unknown(facts.why ?? 'its model is not loaded')
  if (!sample) return unknown('no score yet')
  if (now - sample.at > Math.max(SCORE_FRESH_MS, facts.freshMs ?? 0)) {
    return unknown(`no score since ${new Date(sample.at).toISOString()}`)
  }
  if (sample.quality !== quality.good || ratio === null) {
    return unknown(facts.why ?? 'a tag of its model has no good value')
  }
  return { health: 'normal', healthReason: null, ratio }
}
