/** Live samples in, scores out: windows per model and asset, one batch per file and tick, "unknown" whenever data or model fail. */
import type { Manifest } from '../../models/manifest.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { AssetId, Sample, TagId } from '../../protocol/model.ts'
import { type Inference, openInference } from './inference.ts'
import { type KeptRows, openKeptRows } from './kept-rows.ts'
import {
  createJob,
  createPhaseJob,
  fileOf,
  type Job,
  readResult,
  type ScoringResult,
  takeLouder,
  unknown,
  unusable,
} from './result.ts'
import {
  createWatched,
  filesOf,
  isSameWindow,
  type Watched,
  type WatchedModel,
  type WindowTiming,
} from './watched.ts'

/** Windows per run: keeps one run well inside its deadline. */
const MAX_BATCH = 1024
/** How often a model that cannot be used says so. */
const UNUSABLE_MS = 10_000

export interface ScoringOptions extends WindowTiming {
  models: readonly WatchedModel[]
  log: Log
  /** Replaces the model thread. */
  inference?: Inference
  /** Replaces what reads the kept training rows. */
  keptRows?: KeptRows
}

export interface ScoredBy {
  asset: AssetId
  /** The version. */
  id: string
  version: number
  isPrimary: boolean
  manifest: Manifest
  modelSha256: string
  tags: Readonly<Record<string, TagId>>
  factor: number
}

export interface Scoring extends AsyncDisposable {
  /** Samples in any order; tags that no model looks at are passed over. */
  accept(samples: readonly Sample[]): void
  /** Scores every grid instant that is due; [] while an earlier tick is still running. */
  tick(now: number): Promise<ScoringResult[]>
  /** From now on these; a version that was there before keeps its window. */
  watch(models: readonly WatchedModel[]): Promise<void>
  /** Those that can be used. */
  models(): ScoredBy[]
  /** `[B, T, p]` of the past through a model; throws Fault 'scoring.failed'. */
  infer: Inference['run']
}

/** Nothing is loaded into the model thread before the first window is full. */
export async function openScoring(options: ScoringOptions): Promise<Scoring> {
  const inference = options.inference ?? openInference({ log: options.log })
  const keptRows = options.keptRows ?? openKeptRows({ log: options.log })
  let watched: Watched[] = []
  let byTag = new Map<TagId, Watched[]>()
  let busy = false

  function watch(models: readonly WatchedModel[]): void {
    watched = models.map((wanted) => {
      const before = watched.find((one) => one.id === wanted.id && one.asset === wanted.asset)
      return before && isSameWindow(before, wanted)
        ? { ...before, ...wanted }
        : createWatched(wanted, options, { keptRows, log: options.log })
    })
    byTag = new Map()
    for (const one of watched)
      for (const tag of new Set(Object.values(one.tags)))
        byTag.set(tag, [...(byTag.get(tag) ?? []), one])
  }
  watch(options.models)

  return {
    accept(samples) {
      for (const sample of samples)
        for (const one of byTag.get(sample.tag) ?? []) one.window?.accept(sample)
    },
    async tick(now) {
      if (busy) return []
      busy = true
      try {
        return await scoreDue(watched, now, { inference, log: options.log })
      } finally {
        busy = false
      }
    },
    async watch(models) {
      const before = allFiles(watched)
      watch(models)
      const after = allFiles(watched)
      for (const sha256 of before.difference(after)) {
        keptRows.release(sha256)
        await inference.release(sha256)
      }
    },
    models: () => watched.flatMap(describe),
    async infer(model, windows, batch) {
      try {
        return await inference.run(model, windows, batch)
      } finally {
        // A retired version is asked once in a while: it does not stay loaded.
        if (!allFiles(watched).has(model.sha256)) await inference.release(model.sha256)
      }
    },
    async [Symbol.asyncDispose]() {
      await keptRows[Symbol.asyncDispose]()
      await inference[Symbol.asyncDispose]()
    },
  }
}

function allFiles(watched: readonly Watched[]): Set<string> {
  return new Set(watched.flatMap(filesOf))
}

function describe({ model, problem, ...one }: Watched): ScoredBy[] {
  if ('problem' in model || problem !== undefined) return []
  const { asset, id, version, isPrimary, tags, factor } = one
  const { manifest, sha256: modelSha256 } = model
  return [{ asset, id, version, isPrimary, tags, factor, manifest, modelSha256 }]
}

interface Machinery {
  inference: Inference
  log: Log
}

async function scoreDue(
  watched: readonly Watched[],
  now: number,
  { inference, log }: Machinery,
): Promise<ScoringResult[]> {
  const jobs = watched.flatMap((one) =>
    (one.window?.advance(now) ?? []).map((due) => createJob(one, due)),
  )
  const silent = watched.flatMap((one) => {
    const at = Math.floor(now / UNUSABLE_MS) * UNUSABLE_MS
    if (one.window || at <= one.saidAt) return []
    one.saidAt = at
    return [tell(one, unusable(one, at), log)]
  })
  await runJobs(jobs, inference)
  await runPhases(jobs, inference)
  return [...silent, ...jobs.map((job) => finish(job, log))]
}

/** All complete windows of one file in one run (or few); fills in the results. */
async function runJobs(jobs: readonly Job[], inference: Inference): Promise<void> {
  const ready = jobs.filter(({ due }) => 'window' in due)
  for (const group of Map.groupBy(ready, (job) => fileOf(job)?.sha256 ?? '').values())
    for (let from = 0; from < group.length; from += MAX_BATCH)
      await runBatch(group.slice(from, from + MAX_BATCH), inference)
}

/** A second look at the windows of cyclic machines, by the models of their phases. */
async function runPhases(jobs: readonly Job[], inference: Inference): Promise<void> {
  const pairs = jobs.flatMap((job) => {
    const second = createPhaseJob(job)
    return second ? [{ job, second }] : []
  })
  await runJobs(
    pairs.map(({ second }) => second),
    inference,
  )
  for (const { job, second } of pairs) takeLouder(job, second)
}

async function runBatch(jobs: readonly Job[], inference: Inference): Promise<void> {
  const [first] = jobs
  const model = first && fileOf(first)
  if (!model) return
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

function finish(job: Job, log: Log): ScoringResult {
  const { watched, due } = job
  const reason = 'reason' in due ? due.reason : 'the model gave no output'
  const result = job.result ?? unknown(job, reason)
  return 'filling' in due && due.filling ? result : tell(watched, result, log)
}

/** Logs when a model turns known or unknown, not every row of it. */
function tell(watched: Watched, result: ScoringResult, log: Log): ScoringResult {
  const said = result.state === 'scored' ? '' : (result.reason ?? '')
  if (said === watched.told) return result
  watched.told = said
  const about = { asset: watched.asset, model: watched.id, at: result.at }
  if (said === '') log.info(about, 'scoring')
  else log.warn({ ...about, reason: said }, 'no score')
  return result
}
