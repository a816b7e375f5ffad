/** Input drift of every asset, live: the tags moved together to another normal, which is no fault and needs no alarm. */
import type { Manifest } from '../../models/manifest.ts'
import { type DriftState, nextDrift, noDrift, readDrift } from '../../models/train/drift.ts'
import type { Steps } from '../../models/train/live-step.ts'
import type { DriftView } from '../../protocol/api-models.ts'
import type { ScoringResult } from './result.ts'

export interface DriftWatch {
  /** Results of the model that speaks for an asset; others are passed over. Answers the assets that drift from now on. */
  accept(
    results: readonly ScoringResult[],
    manifestOf: (model: string) => Manifest | undefined,
  ): string[]
  /** Undefined: nothing of the asset was scored yet, or its model cannot tell. */
  of(asset: string): DriftView | undefined
}

interface Watched {
  /** A new version starts afresh. */
  model: string
  manifest: Manifest
  state: DriftState
  /** Live steps that are coarser than those the model learned from, by tag. */
  coarser: Steps
}

export function createDriftWatch(): DriftWatch {
  const watched = new Map<string, Watched>()

  function take(result: ScoringResult, manifest: Manifest): boolean {
    const { asset, model, at, ratio, row, deviations: contributions, coarser = {} } = result
    const before = watched.get(asset)
    const known = before?.model === model ? before : { model, manifest, coarser, state: noDrift }
    const values = row.some(Number.isNaN) ? undefined : row
    const state = nextDrift(known.state, { at, values, ratio, contributions }, manifest)
    watched.set(asset, { ...known, coarser, state: keepVerdict(known.state, state) })
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
      const { text, ...rest } = view(one)
      return { ...rest, text: `${text}${sayCoarser(one.coarser)}` }
    },
  }
}

/** A block that nobody knew enough of does not end a drift; only a quiet one does. */
function keepVerdict(before: DriftState, after: DriftState): DriftState {
  const isFilling = after.rows > 0
  return isFilling || after.state !== 'unknown'
    ? after
    : { ...after, state: before.state, moved: before.moved }
}

/** The model is not changed unasked; whoever reads this may train again. */
function sayCoarser(steps: Steps): string {
  const named = Object.entries(steps).map(([name, step]) => `${name} in ${step.toPrecision(2)}`)
  if (named.length === 0) return ''
  return ` The live values are coarser than those the model learned from (steps of ${named.join(', ')}): train again with live history.`
}

function view({ state, manifest }: Watched): DriftView {
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
