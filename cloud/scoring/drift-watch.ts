/** Input drift of every asset, live: the tags moved together to another normal, which is no fault and needs no alarm. */
import type { Manifest } from '../../models/manifest.ts'
import { isMainMode } from '../../models/modes.ts'
import { type DriftState, nextDrift, noDrift, readDrift } from '../../models/train/drift.ts'
import type { Steps } from '../../models/train/live-step.ts'
import type { DriftView } from '../../protocol/api-models.ts'
import type { KeptState } from './kept-states.ts'
import type { ScoringResult } from './result.ts'

export interface DriftWatch {
  /** Results of the model that speaks for an asset; others are passed over. Answers the assets that drift from now on. */
  accept(
    results: readonly ScoringResult[],
    manifestOf: (model: string) => Manifest | undefined,
  ): string[]
  /** Undefined: nothing of the asset was scored yet, or its model cannot tell. */
  of(asset: string): DriftView | undefined
  /** The live steps that the model which speaks for the asset did not learn from, and since when it watches. */
  coarserOf(asset: string): CoarserLive | undefined
  /** All of it, for the next start. */
  save(): KeptState[]
}

export interface CoarserLive {
  model: string
  /** By tag name, in the tag's own unit. */
  steps: Steps
  /** The first row that the model looked at. */
  since: number
}

/** What is written down of an asset. */
interface Remembered {
  /** A new version starts afresh. */
  model: string
  state: DriftState
  /** Live steps that are coarser than those the model learned from, by tag. */
  coarser: Steps
  /** Of the first row and of the last. */
  since: number
  at: number
}

interface Watched extends Remembered {
  manifest: Manifest
}

export interface KeptDrift {
  kept: readonly KeptState[]
  /** What was kept of a version that is not there any more is forgotten. */
  manifestOf(model: string): Manifest | undefined
}

/** `before`: what was saved before the last stop; it goes on from there. */
export function createDriftWatch(before?: KeptDrift): DriftWatch {
  const watched = new Map<string, Watched>()
  for (const { key, state } of before?.kept ?? []) {
    const known = JSON.parse(state) as Remembered
    const manifest = before?.manifestOf(known.model)
    if (manifest?.drift) watched.set(key, { ...known, manifest })
  }

  function take(result: ScoringResult, manifest: Manifest): boolean {
    const { asset, model, at, ratio, row, deviations: contributions } = result
    const fresh = { model, manifest, coarser: {}, state: noDrift, since: at, at }
    const found = watched.get(asset)
    const known = found?.model === model ? resume(found, at) : fresh
    const values = row.some(Number.isNaN) ? undefined : row
    // Where modes are told apart, drift is that of the main one: rows of others only show that nothing was missed.
    const state = isMainMode(manifest.modes, result.mode)
      ? nextDrift(known.state, { at, values, ratio, contributions }, manifest)
      : known.state
    const coarser = result.coarser ?? known.coarser
    watched.set(asset, { ...known, at, coarser, state: keepVerdict(known.state, state) })
    return state.state === 'drift' && known.state.state !== 'drift'
  }

  return {
    accept(results, manifestOf) {
      const turned = new Set<string>()
      for (const result of results) {
        const manifest = result.isPrimary ? manifestOf(result.model) : undefined
        if (manifest?.drift && take(result, manifest)) turned.add(result.asset)
      }
      return [...turned]
    },
    of(asset) {
      const one = watched.get(asset)
      if (!one) return undefined
      const coarser = Object.entries(one.coarser).map(([name, step]) => ({ name, step }))
      return { ...view(one), coarser }
    },
    coarserOf(asset) {
      const { model, coarser: steps = {}, since = 0 } = watched.get(asset) ?? {}
      return model && Object.keys(steps).length > 0 ? { model, steps, since } : undefined
    },
    save: () =>
      [...watched].map(([key, { manifest: _, ...one }]) => {
        return { kind: 'drift', key, at: one.at, state: JSON.stringify(one satisfies Remembered) }
      }),
  }
}

/** After a pause longer than a block the block that was filling is begun anew; what was said of those before stays. */
function resume(known: Watched, at: number): Watched {
  const { manifest, state } = known
  const blockMs = (manifest.drift?.blockRows ?? 0) * manifest.periodMs
  if (at - known.at <= blockMs) return known
  return { ...known, state: { ...noDrift, moved: state.moved, state: state.state } }
}

/** A block that nobody knew enough of does not end a drift; only a quiet one does. */
function keepVerdict(before: DriftState, after: DriftState): DriftState {
  const isFilling = after.rows > 0
  return isFilling || after.state !== 'unknown'
    ? after
    : { ...after, state: before.state, moved: before.moved }
}

function view({ state, manifest }: Watched): Omit<DriftView, 'coarser'> {
  const verdict = readDrift(state, manifest)
  const { since, tags } = verdict
  if (verdict.state === 'drift') {
    const named = tags.map(
      ({ name, shift }) => `${name} ${shift > 0 ? '+' : ''}${shift.toFixed(1)}`,
    )
    const text = `The tags moved together to another normal (${named.join(', ')} training deviations), and still go together: this is no fault. If the machine is meant to run like this, train again with the new period.`
    return { state: 'drift', since, tags, text }
  }
  const text =
    verdict.state === 'none'
      ? 'The tags are where they were in training.'
      : verdict.state === 'fault'
        ? 'Tags moved and no longer go together: that is for the alarm, not for a new training.'
        : 'Not enough rows yet to tell.'
  return { state: verdict.state === 'unknown' ? 'unknown' : 'none', since: null, tags: [], text }
}
