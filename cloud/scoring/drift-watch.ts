/** Input drift of every asset, live: the tags moved together to another normal, which is no fault and needs no alarm. */
import type { Manifest } from '../../models/manifest.ts'
import { isMainMode } from '../../models/modes.ts'
import { type DriftState, nextDrift, noDrift, readDrift } from '../../models/train/drift.ts'
import type { Steps } from '../../models/train/live-step.ts'
import type { DriftView } from '../../protocol/api-models.ts'
import type { KeptState } from './kept-states.ts'
import type { ScoringResult } from './result.ts'

/** Of a version, or of the model of one of its operating modes. */
export type ManifestOf = (model: string, mode?: string) => Manifest | undefined

export interface DriftWatch {
  /** Results of the model that speaks for an asset; others are passed over. Answers the assets that drift from now on. */
  accept(results: readonly ScoringResult[], manifestOf: ManifestOf): string[]
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

/** What is written down of an asset, or of one of its operating modes beside the main one. */
interface Remembered {
  asset: string
  mode?: string
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
  manifestOf: ManifestOf
}

/** `before`: what was saved before the last stop; it goes on from there. */
export function createDriftWatch(before?: KeptDrift): DriftWatch {
  const watched = new Map<string, Watched>()
  /** By asset: the modes beside the main one that were seen. */
  const modesOf = new Map<string, Set<string>>()
  const keep = (one: Watched) => {
    const { asset, mode } = one
    watched.set(keyOf(asset, mode), one)
    if (mode !== undefined) modesOf.set(asset, (modesOf.get(asset) ?? new Set()).add(mode))
  }
  for (const { key: asset, state } of before?.kept ?? []) {
    const known: Remembered = { asset, ...JSON.parse(state) }
    const manifest = before?.manifestOf(known.model, known.mode)
    if (manifest?.drift) keep({ ...known, manifest })
  }
  /** The other modes of an asset, as its present version tells them apart. */
  const besides = (asset: string) =>
    [...(modesOf.get(asset) ?? [])].flatMap((mode) => watched.get(keyOf(asset, mode)) ?? [])

  /** Modes of the version before. */
  function forgetOthers(asset: string, model: string): void {
    if (watched.get(asset)?.model === model) return
    for (const { mode } of besides(asset)) watched.delete(keyOf(asset, mode))
    modesOf.delete(asset)
  }

  /** `mode`: one beside the main one, with its own manifest. */
  function take(result: ScoringResult, manifest: Manifest, mode?: string): boolean {
    const { asset, model, at, ratio, row, deviations: contributions } = result
    const fresh = { asset, mode, model, manifest, coarser: {}, state: noDrift, since: at, at }
    const found = watched.get(keyOf(asset, mode))
    const known = found?.model === model ? resume(found, at) : fresh
    const values = row.some(Number.isNaN) ? undefined : row
    // Each mode has its own drift: rows of others only show that nothing was missed.
    const isOwn = mode !== undefined || isMainMode(manifest.modes, result.mode)
    const state = isOwn
      ? nextDrift(known.state, { at, values, ratio, contributions }, manifest)
      : known.state
    const coarser = result.coarser ?? known.coarser
    const next = { ...known, at, coarser, state: keepVerdict(known.state, state) }
    keep(next)
    return state.state === 'drift' && known.state.state !== 'drift'
  }

  /** Its own mode looks at the row, the others only hear that one came. */
  function takeBeside(result: ScoringResult, own: Manifest | undefined): boolean {
    const { asset, at, mode } = result
    for (const one of besides(asset)) if (one.mode !== mode) keep({ ...resume(one, at), at })
    return own?.drift !== undefined && take(result, own, mode)
  }

  return {
    accept(results, manifestOf) {
      const turned = new Set<string>()
      for (const result of results) {
        const { asset, model, mode } = result
        const manifest = result.isPrimary ? manifestOf(model) : undefined
        if (!manifest) continue
        forgetOthers(asset, model)
        const isBeside = mode !== undefined && !isMainMode(manifest.modes, mode)
        const own = isBeside ? manifestOf(model, mode) : undefined
        const news = [
          manifest.drift !== undefined && take(result, manifest),
          manifest.modes !== undefined && takeBeside(result, own),
        ]
        if (news.includes(true)) turned.add(asset)
      }
      return [...turned]
    },
    of(asset) {
      const main = watched.get(asset)
      if (!main) return undefined
      const coarser = Object.entries(main.coarser).map(([name, step]) => ({ name, step }))
      const all = [main, ...besides(asset)]
      const told = all.find(({ state }) => state.state === 'drift') ?? main
      return { ...view(told), coarser }
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

const keyOf = (asset: string, mode: string | undefined) =>
  mode === undefined ? asset : `${asset} ${mode}`

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

function view({ state, manifest, mode: named }: Watched): Omit<DriftView, 'coarser'> {
  const verdict = readDrift(state, manifest)
  const mode = named ?? null
  const { since, tags } = verdict
  if (verdict.state === 'drift') {
    const named = tags.map(
      ({ name, shift }) => `${name} ${shift > 0 ? '+' : ''}${shift.toFixed(1)}`,
    )
    const text = `The tags moved together to another normal (${named.join(', ')} training deviations), and still go together: this is no fault. If the machine is meant to run like this, train again with the new period.`
    return {
      state: 'drift',
      mode,
      since,
      tags,
      text: mode === null ? text : `mode ${mode}: ${text}`,
    }
  }
  const text =
    verdict.state === 'none'
      ? 'The tags are where they were in training.'
      : verdict.state === 'fault'
        ? 'Tags moved and no longer go together: that is for the alarm, not for a new training.'
        : 'Not enough rows yet to tell.'
  const none = verdict.state === 'unknown' ? 'unknown' : 'none'
  return { state: none, mode: null, since: null, tags: [], text }
}
