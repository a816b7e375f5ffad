/** A model version set to watch an asset: its window over the asset's tags, and what it remembers of them. */
import type { ModelFolder } from '../../models/manifest.ts'
import { type RuleState, unseen } from '../../models/train/hard-rules.ts'
import type { ModelKind, ModelStage } from '../../protocol/api-models.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { AssetId, SiteId, TagId } from '../../protocol/model.ts'
import type { KeptRows, WatchedFile } from './kept-rows.ts'
import { createLiveSteps, type LiveSteps } from './live-steps.ts'
import { type AssetWindow, createWindow } from './window.ts'

/** Late samples are waited for this long. */
const LAG_MS = 1500
/** A value is held on for this many periods. */
const HOLD_PERIODS = 3

export interface WatchedModel {
  /** Of the version. */
  id: string
  /** Its number among those of its name. */
  version: number
  asset: AssetId
  site: SiteId
  kind: ModelKind
  stage: Exclude<ModelStage, 'retired'>
  /** First part of its derived tags: `Score` stands there as it is for the asset's own model. */
  outputs: { score: string; ratio: string; breaches: string }
  /** It speaks for the asset: its ratio decides on health and recovery. */
  isPrimary: boolean
  /** On the trained threshold. */
  factor: number
  /** Where each tag of the manifest comes from. */
  tags: Readonly<Record<string, TagId>>
  /** The checked files, or why they cannot be used: then the asset is unknown for this reason. */
  model: WatchedFile | { problem: string }
}

export interface Watched extends WatchedModel {
  window: AssetWindow | undefined
  /** Whether its values are coarser than the training's. */
  steps: LiveSteps | undefined
  /** Why there is no window. */
  problem: string | undefined
  /** One per tag of the manifest that has hard rules. */
  rules: RuleState[]
  /** The last thing logged about it; undefined: nothing yet. */
  told?: string
  /** The last instant said to be unknown for `problem`. */
  saidAt: number
}

export interface WindowTiming {
  /** How long late samples are waited for. */
  lagMs?: number
  /** A value older than this is stale; default three periods of the model. */
  maxAgeMs?: number
}

export interface WatchedMachinery {
  keptRows: KeptRows
  log: Log
}

export function createWatched(
  wanted: WatchedModel,
  timing: WindowTiming,
  { keptRows, log }: WatchedMachinery,
): Watched {
  const { model, tags: known } = wanted
  const rest = { ...wanted, window: undefined, steps: undefined, rules: [], saidAt: 0 }
  if ('problem' in model) return { ...rest, problem: model.problem }
  const { periodMs, windowRows, tags, modes } = model.manifest
  const names = [...tags.map(({ name }) => name), ...(modes ? [modes.tag] : [])]
  const missing = names.find((name) => known[name] === undefined)
  if (missing !== undefined) return { ...rest, problem: `the asset has no tag for "${missing}"` }
  const window = createWindow({
    tags: tags.flatMap(({ name }) => {
      const tag = known[name]
      return tag === undefined ? [] : [{ tag, name }]
    }),
    periodMs,
    windowRows,
    precision: precisionOf(model),
    lagMs: timing.lagMs ?? LAG_MS,
    maxAgeMs: timing.maxAgeMs ?? HOLD_PERIODS * periodMs,
    filler: (mode) => keptRows.fillerOf(modelFor(model, mode)),
    mode: modeOptions(wanted, model),
  })
  const about = { asset: wanted.asset, model: wanted.id }
  const steps = createLiveSteps({ model, about, keptRows, log })
  return { ...rest, window, steps, problem: undefined, rules: tags.map(() => unseen) }
}

/** The model of an operating mode. */
export function modelFor(model: WatchedFile, mode: string | undefined): WatchedFile {
  return (mode === undefined ? undefined : model.modes?.get(mode)) ?? model
}

/** Everything that may be run for it: the model itself, and those of its modes and phases. */
export function runsOf({ model }: Pick<WatchedModel, 'model'>): ModelFolder[] {
  if ('problem' in model) return []
  return [model, ...(model.modes?.values() ?? []), ...(model.clusters ?? [])]
}

/** The finest that one of them needs: the others narrow what they are given. */
function precisionOf(model: WatchedFile): 'float64' | undefined {
  return runsOf({ model }).find(({ manifest }) => manifest.precision)?.manifest.precision
}

/** Every file that may be run for it. */
export function filesOf(watched: WatchedModel): string[] {
  return runsOf(watched).map(({ sha256 }) => sha256)
}

function modeOptions({ tags }: WatchedModel, { manifest, modes }: WatchedFile) {
  const tag = manifest.modes && tags[manifest.modes.tag]
  if (!manifest.modes || !tag || !modes) return undefined
  const { tag: name, holdMs } = manifest.modes
  return { tag, name, holdMs, known: new Set(modes.keys()) }
}

/** The same file over the same tags: what its window holds stays true. */
export function isSameWindow(one: WatchedModel, other: WatchedModel): boolean {
  if (one.id !== other.id || 'problem' in one.model || 'problem' in other.model) return false
  const names = Object.keys(one.tags)
  return (
    filesOf(one).join() === filesOf(other).join() &&
    names.length === Object.keys(other.tags).length &&
    names.every((name) => one.tags[name] === other.tags[name])
  )
}
