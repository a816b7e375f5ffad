/** One pass over assets that are due: batches through the models, and what came out, or why nothing did. */
import { createValues } from '../../models/session.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Inference } from './inference.ts'
import type { Paces } from './paces.ts'
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
import { runKeyOf } from './run-key.ts'
import type { Watched } from './watched.ts'

/** Windows per run: keeps one run well inside its deadline. */
const MAX_BATCH = 1024
/** How often a model that cannot be used says so. */
const UNUSABLE_MS = 10_000
const SAID_MS = 60_000

export interface Machinery {
  inference: Inference
  /** Hears how long each run took. */
  paces: Paces
  log: Log
}

export async function scoreDue(
  watched: readonly Watched[],
  now: number,
  { log, ...machinery }: Machinery,
): Promise<ScoringResult[]> {
  const jobs = watched.flatMap((one) =>
    (one.window?.advance(now) ?? []).map((due) => createJob(one, due)),
  )
  const silent = watched.flatMap((one) => {
    const at = Math.floor(now / UNUSABLE_MS) * UNUSABLE_MS
    // Further back the clock was set right: waiting for it to be there again would be silence.
    const isSaid = at <= one.saidAt && one.saidAt - at <= SAID_MS
    if (one.window || isSaid) return []
    one.saidAt = at
    return [tell(one, unusable(one, at), log)]
  })
  await runJobs(jobs, machinery)
  await runPhases(jobs, machinery)
  return [...silent, ...jobs.map((job) => finish(job, log))]
}

type Running = Omit<Machinery, 'log'>

/** All complete windows of one file in one run (or few); fills in the results. */
async function runJobs(jobs: readonly Job[], running: Running): Promise<void> {
  const ready = jobs.filter(({ due }) => 'window' in due)
  const keyOf = (job: Job) => {
    const file = fileOf(job)
    return file ? runKeyOf(file) : ''
  }
  for (const group of Map.groupBy(ready, keyOf).values())
    for (let from = 0; from < group.length; from += MAX_BATCH)
      await runBatch(group.slice(from, from + MAX_BATCH), running)
}

/** A second look at the windows of cyclic machines, by the models of their phases. */
async function runPhases(jobs: readonly Job[], running: Running): Promise<void> {
  const pairs = jobs.flatMap((job) => {
    const second = createPhaseJob(job)
    return second ? [{ job, second }] : []
  })
  await runJobs(
    pairs.map(({ second }) => second),
    running,
  )
  for (const { job, second } of pairs) takeLouder(job, second)
}

async function runBatch(jobs: readonly Job[], { inference, paces }: Running): Promise<void> {
  const [first] = jobs
  const model = first && fileOf(first)
  if (!model) return
  const size = model.manifest.windowRows * model.manifest.tags.length
  const windows = createValues(model.manifest, jobs.length * size)
  jobs.forEach(({ due }, i) => {
    if ('window' in due) windows.set(due.window, i * size)
  })
  const startedAt = performance.now()
  try {
    const batch = await inference.run(model, windows, jobs.length)
    jobs.forEach((job, i) => {
      job.result = readResult(job, batch, i)
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    for (const job of jobs) job.result = unknown(job, reason)
  } finally {
    paces.note(model.sha256, performance.now() - startedAt)
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
