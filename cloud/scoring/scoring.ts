/** Live samples in, scores out: windows per asset, one batch per model and tick, "unknown" whenever data or model fail. */
import { type Manifest, type ModelFolder, readModelFolder } from '../../models/manifest.ts'
import type { Batch } from '../../models/session.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import {
  type AssetId,
  derivedTagId,
  quality,
  type Sample,
  type SiteId,
  type TagId,
} from '../../protocol/model.ts'
import { type Inference, openInference } from './inference.ts'
import { type AssetWindow, createWindow, type DueRow } from './window.ts'

/** Late samples are waited for this long. */
const LAG_MS = 1500
/** A value is held on for this many periods. */
const HOLD_PERIODS = 3
const TOP_TAGS = 3
/** Windows per run: keeps one run well inside its deadline. */
const MAX_BATCH = 1024

export interface ScoredAsset {
  asset: AssetId
  site: SiteId
  /** Folder of the model. */
  modelDir: string
  /** Where each tag of the manifest comes from. */
  tags: Readonly<Record<string, TagId>>
}

export interface Contribution {
  tag: TagId
  name: string
  /** Signed: standard deviations from what the other tags let expect. */
  z: number
  direction: 'high' | 'low'
}

export interface ScoringResult {
  asset: AssetId
  /** The grid instant. */
  at: number
  state: 'scored' | 'unknown'
  /** Why it is unknown. */
  reason?: string
  score?: number
  ratio?: number
  /** The top three; empty when unknown. */
  contributions: Contribution[]
  /** The derived tags Score and Ratio; bad quality without a value when unknown. */
  samples: Sample[]
}

export interface ScoringOptions {
  assets: readonly ScoredAsset[]
  /** How long late samples are waited for. */
  lagMs?: number
  /** A value older than this is stale; default three periods of the model. */
  maxAgeMs?: number
  log: Log
  /** Replaces the model thread. */
  inference?: Inference
}

export interface Scoring extends AsyncDisposable {
  /** Samples in any order; tags of no scored asset are passed over. */
  accept(samples: readonly Sample[]): void
  /** Scores every grid instant that is due; [] while an earlier tick is still running. */
  tick(now: number): Promise<ScoringResult[]>
  models(): { asset: AssetId; manifest: Manifest; modelSha256: string }[]
}

interface Scored extends ScoredAsset {
  model: ModelFolder
  window: AssetWindow
  /** What was last logged: '' when scored. */
  told?: string
}

interface Job {
  scored: Scored
  due: DueRow
  result?: ScoringResult
}

/** Reads and checks every model folder; throws Fault 'model.bad-file' or 'model.bad-manifest'. */
export async function openScoring(options: ScoringOptions): Promise<Scoring> {
  const assets = await loadAssets(options)
  const inference = options.inference ?? openInference({ log: options.log })
  const byTag = new Map<TagId, Scored[]>()
  for (const scored of assets)
    for (const tag of new Set(Object.values(scored.tags)))
      byTag.set(tag, [...(byTag.get(tag) ?? []), scored])
  let busy = false
  return {
    accept(samples) {
      for (const sample of samples)
        for (const scored of byTag.get(sample.tag) ?? []) scored.window.accept(sample)
    },
    async tick(now) {
      if (busy) return []
      busy = true
      try {
        const jobs = assets.flatMap((scored) =>
          scored.window.advance(now).map((due): Job => ({ scored, due })),
        )
        await runJobs(jobs, inference)
        return jobs.map((job) => finish(job, options.log))
      } finally {
        busy = false
      }
    },
    models: () =>
      assets.map(({ asset, model }) => ({
        asset,
        manifest: model.manifest,
        modelSha256: model.sha256,
      })),
    [Symbol.asyncDispose]: () => inference[Symbol.asyncDispose](),
  }
}

async function loadAssets(options: ScoringOptions): Promise<Scored[]> {
  const folders = new Map<string, ModelFolder>()
  const loaded: Scored[] = []
  for (const asset of options.assets) {
    const model = folders.get(asset.modelDir) ?? (await readModelFolder(asset.modelDir))
    folders.set(asset.modelDir, model)
    const { periodMs, windowRows } = model.manifest
    const tags = model.manifest.tags.map(({ name }) => {
      const tag = asset.tags[name]
      const problem = `asset ${asset.asset} has no tag for "${name}"`
      if (!tag) throw new Fault('model.bad-file', { file: asset.modelDir, problem })
      return { tag, name }
    })
    const maxAgeMs = options.maxAgeMs ?? HOLD_PERIODS * periodMs
    const lagMs = options.lagMs ?? LAG_MS
    const window = createWindow({ tags, periodMs, windowRows, lagMs, maxAgeMs })
    loaded.push({ ...asset, model, window })
  }
  return loaded
}

/** All complete windows of one model in one run (or few); fills in the results. */
async function runJobs(jobs: readonly Job[], inference: Inference): Promise<void> {
  const ready = jobs.filter(({ due }) => 'window' in due)
  for (const group of Map.groupBy(ready, ({ scored }) => scored.model.sha256).values())
    for (let from = 0; from < group.length; from += MAX_BATCH)
      await runBatch(group.slice(from, from + MAX_BATCH), inference)
}

async function runBatch(jobs: readonly Job[], inference: Inference): Promise<void> {
  const [first] = jobs
  if (!first) return
  const { model } = first.scored
  const size = model.manifest.windowRows * model.manifest.tags.length
  const windows = new Float32Array(jobs.length * size)
  jobs.forEach(({ due }, i) => {
    if ('window' in due) windows.set(due.window, i * size)
  })
  try {
    const batch = await inference.run(model, windows, jobs.length)
    jobs.forEach((job, i) => {
      job.result = readResult(job, batch, i)
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    for (const job of jobs) job.result = unknown(job, reason)
  }
}

function readResult(job: Job, batch: Batch, i: number): ScoringResult {
  const { scored, due } = job
  const score = batch.score[i] ?? Number.NaN
  const ratio = batch.ratio[i] ?? Number.NaN
  if (!Number.isFinite(score) || !Number.isFinite(ratio))
    return unknown(job, 'the model answered no number')
  const { tags } = scored.model.manifest
  const own = batch.contributions.subarray(i * tags.length, (i + 1) * tags.length)
  return {
    asset: scored.asset,
    at: due.at,
    state: 'scored',
    score,
    ratio,
    contributions: topContributions(own, scored),
    samples: createSamples(job, { Score: score, Ratio: ratio }),
  }
}

function topContributions(own: Float32Array, scored: Scored): Contribution[] {
  return scored.model.manifest.tags
    .flatMap(({ name }, i): Contribution[] => {
      const z = own[i] ?? 0
      const tag = scored.tags[name]
      return tag ? [{ tag, name, z, direction: z < 0 ? 'low' : 'high' }] : []
    })
    .sort((a, b) => Math.abs(b.z) - Math.abs(a.z))
    .slice(0, TOP_TAGS)
}

function unknown(job: Job, reason: string): ScoringResult {
  return {
    asset: job.scored.asset,
    at: job.due.at,
    state: 'unknown',
    reason,
    contributions: [],
    samples: createSamples(job, { Score: null, Ratio: null }),
  }
}

function createSamples({ scored, due }: Job, values: Record<string, number | null>): Sample[] {
  return Object.entries(values).map(([output, value]) => ({
    tag: derivedTagId(scored.site, scored.asset, output),
    at: due.at,
    value,
    quality: value === null ? quality.bad : quality.good,
  }))
}

/** Logs when an asset turns known or unknown, not every row of it. */
function finish(job: Job, log: Log): ScoringResult {
  const { scored, due } = job
  const reason = 'reason' in due ? due.reason : 'the model gave no output'
  const result = job.result ?? unknown(job, reason)
  const filling = 'filling' in due && due.filling
  const tell = result.state === 'scored' ? '' : (result.reason ?? '')
  if (tell === scored.told || filling) return result
  scored.told = tell
  if (tell === '') log.info({ asset: scored.asset, at: due.at }, 'scoring')
  else log.warn({ asset: scored.asset, at: due.at, reason: tell }, 'no score')
  return result
}
