/** What comes out of one instant of one watched model: a score with its causes, or why there is none; and its samples. */
import { findCluster } from '../../models/clusters.ts'
import { isMainMode } from '../../models/modes.ts'
import { rankTags } from '../../models/ranking.ts'
import { type Batch, createValues, type Values } from '../../models/session.ts'
import { nextRules, unseen } from '../../models/train/hard-rules.ts'
import type { Steps } from '../../models/train/live-step.ts'
import type { ModelStage } from '../../protocol/api-models.ts'
import {
  type AssetId,
  derivedTagId,
  quality,
  type Sample,
  type TagId,
} from '../../protocol/model.ts'
import type { WatchedFile } from './kept-rows.ts'
import { modelFor, type Watched } from './watched.ts'
import type { DueRow, MissingTag } from './window.ts'

const TOP_TAGS = 3

export interface Contribution {
  tag: TagId
  name: string
  /** Signed: standard deviations from what the other tags let expect. */
  z: number
  direction: 'high' | 'low'
}

export interface ScoringResult {
  asset: AssetId
  /** The version that says so. */
  model: string
  stage: Exclude<ModelStage, 'retired'>
  /** It speaks for the asset. */
  isPrimary: boolean
  /** The grid instant. */
  at: number
  state: 'scored' | 'unknown'
  /** Why it is unknown. */
  reason?: string
  score?: number
  ratio?: number
  /** Nothing is wrong, its data are only not long enough yet. */
  filling?: boolean
  /** Tags without a value of their own at the instant. */
  missing?: readonly MissingTag[]
  /** The values of the instant in the order of the manifest; NaN where none counts and none was filled. Empty without a model. */
  row: Values
  /** The operating mode of the window, where there is one model for each. */
  mode?: string
  /** Tags without a value of their own: what the others let expect of them was scored. */
  filled?: string[]
  /** The same of any row of the window that was scored. */
  windowFilled?: string[]
  /** Conditional z of every tag, in the order of the manifest. */
  deviations?: Float32Array
  /** Tags whose live values are coarser than those the model learned from, with their steps. */
  coarser?: Steps
  /** The top three, the most telling first, as in back-test; empty when unknown. */
  contributions: Contribution[]
  /** Broken hard rules of this instant, e.g. `TS1:stuck`. */
  breaches: string[]
  /** The derived tags Score and Ratio; bad quality without a value when unknown. */
  samples: Sample[]
}

/** One due instant on its way through the model. */
export interface Job {
  watched: Watched
  due: DueRow
  breaches: string[]
  /** Instead of the model of its operating mode: that of its phase. */
  phase?: WatchedFile
  result?: ScoringResult
}

const NO_ROW = new Float32Array()

/** Looks at the hard rules of the instant: they need no full window. */
export function createJob(watched: Watched, due: DueRow): Job {
  const breaches: string[] = []
  if (!('problem' in watched.model)) {
    const { modes } = watched.model.manifest
    // The kept rows are those of the main mode: steps are compared in no other.
    const mode = 'window' in due ? due.mode : undefined
    if (isMainMode(modes, mode)) watched.steps?.accept(due.row)
    watched.model.manifest.tags.forEach(({ name, rules }, i) => {
      if (!rules) return
      const cell = due.row[i] ?? Number.NaN
      const next = nextRules(
        watched.rules[i] ?? unseen,
        Number.isNaN(cell) ? undefined : cell,
        rules,
      )
      watched.rules[i] = next.state
      if (next.breach && next.breach !== 'stale') breaches.push(`${name}:${next.breach}`)
    })
  }
  return { watched, due, breaches }
}

/** The model of its operating mode or phase; undefined where the version cannot be used. */
export function fileOf({ watched: { model }, due, phase }: Job): WatchedFile | undefined {
  if ('problem' in model) return undefined
  return phase ?? modelFor(model, 'window' in due ? due.mode : undefined)
}

export function readResult(job: Job, batch: Batch, i: number): ScoringResult {
  const { watched, due } = job
  const model = fileOf(job)
  const { factor } = watched
  const score = batch.score[i] ?? Number.NaN
  const ratio = (batch.ratio[i] ?? Number.NaN) / factor
  if (!Number.isFinite(score) || !Number.isFinite(ratio) || !model)
    return unknown(job, 'the model answered no number')
  if (!('window' in due)) return unknown(job, due.reason)
  const width = model.manifest.tags.length
  const deviations = batch.contributions.slice(i * width, (i + 1) * width)
  const ranked = rankTags(model.manifest, { window: due.window, contributions: deviations })
  const contributions = topContributions(watched, deviations, ranked)
  return {
    ...common(job),
    state: 'scored',
    ...{ score, ratio, contributions, deviations, mode: due.mode },
    ...{ filled: due.filled, windowFilled: due.windowFilled },
    row: due.window.slice(-width),
    samples: createSamples(job, { score, ratio }),
  }
}

/** The same instant for the model of its phase, where the version has such models and the instant has a score. */
export function createPhaseJob(job: Job): Job | undefined {
  const { watched, due, result } = job
  if ('problem' in watched.model || !('window' in due) || result?.ratio === undefined)
    return undefined
  const { manifest, clusters } = watched.model
  if (!clusters) return undefined
  // As narrow as in the back-test: one of the files may have asked for finer windows.
  const window = createValues(manifest, due.window.length)
  window.set(due.window)
  const phase = clusters[findCluster(manifest, window)]
  return phase && { ...job, phase, result: undefined }
}

/** The model of a phase may only speak louder; where it has no answer nobody knows that all is well. */
export function takeLouder(job: Job, { result }: Job): void {
  const own = job.result?.ratio ?? 0
  if (result?.ratio === undefined ? own <= 1 : result.ratio > own) job.result = result
}

export function unknown(job: Job, reason: string): ScoringResult {
  const samples = createSamples(job, { score: null, ratio: null })
  return { ...common(job), state: 'unknown', reason, contributions: [], row: job.due.row, samples }
}

/** A model that cannot be used at all says so once in a while. */
export function unusable(watched: Watched, at: number): ScoringResult {
  const due: DueRow = { at, row: NO_ROW, missing: [], reason: '', filling: false }
  return unknown({ watched, due, breaches: [] }, watched.problem ?? '')
}

function common({ watched, due, breaches }: Job) {
  const { asset, id: model, stage, isPrimary } = watched
  const coarser = watched.steps?.found()
  const filling = 'filling' in due && due.filling
  return {
    asset,
    model,
    stage,
    isPrimary,
    at: due.at,
    breaches,
    coarser,
    filling,
    missing: due.missing,
  }
}

function topContributions(
  { model, tags }: Watched,
  own: Float32Array,
  ranked: readonly number[],
): Contribution[] {
  if ('problem' in model) return []
  return ranked
    .flatMap((i): Contribution[] => {
      const z = own[i] ?? 0
      const name = model.manifest.tags[i]?.name ?? ''
      const tag = tags[name]
      return tag && z !== 0 ? [{ tag, name, z, direction: z < 0 ? 'low' : 'high' }] : []
    })
    .slice(0, TOP_TAGS)
}

function createSamples(
  { watched, due, breaches }: Job,
  values: { score: number | null; ratio: number | null },
): Sample[] {
  const { site, asset, outputs } = watched
  const sample = (output: string, value: number | null): Sample => ({
    tag: derivedTagId(site, asset, output),
    at: due.at,
    value,
    quality: value === null ? quality.bad : quality.good,
  })
  const made = [sample(outputs.score, values.score), sample(outputs.ratio, values.ratio)]
  const hasRules =
    !('problem' in watched.model) && watched.model.manifest.tags.some(({ rules }) => rules)
  return hasRules ? [...made, sample(outputs.breaches, breaches.length)] : made
}
