/** Owns the thread of one training: hands it the data, hears its progress, ends it on cancel or when it takes too long. */
import { Worker } from 'node:worker_threads'
import type { Manifest } from '../../models/manifest.ts'
import type { Table } from '../../models/train/table.ts'
import type { BackTest } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { PlannedWork } from '../store/planned-work.ts'

/** Hours of fitting are a mistake in the question, not patience. */
const DEADLINE_MS = 30 * 60_000
/** JavaScript heap of the thread; tables and matrices lie outside of it. */
const MAX_HEAP_MB = 512

export interface TrainingOrder {
  table: Table
  options: {
    name: string
    seed: number
    periodMs: number
    drifting: boolean
    notes: string
    units: Readonly<Record<string, string>>
    keep: readonly string[]
    /** Both tables then say the mode of each row. */
    modeTag?: string
  }
  /** The newest history, as it was. */
  history: Table
  /** Planned maintenance in that history: alarms in it are no false ones. */
  work: readonly PlannedWork[]
}

/** One trained version, ready to be registered. */
export interface TrainedVersion {
  manifest: Manifest
  files: Record<string, Uint8Array>
}

export interface TrainingOutcome {
  /** The first is what was asked for; beside it may stand one of the drifting tags. */
  versions: TrainedVersion[]
  /** Of the first. */
  backTest: BackTest
}

export type ThreadNews<Outcome> =
  | { progress: number; phase: string }
  | { outcome: Outcome }
  | { problem: string }
export type TrainingNews = ThreadNews<TrainingOutcome>

export interface ThreadOptions {
  onProgress(phase: string, share: number): void
  signal: AbortSignal
  deadlineMs?: number
  maxHeapMb?: number
}

/** Throws the signal's reason, or Fault 'training.failed' with the problem in words. */
export async function runTraining(
  order: TrainingOrder,
  options: ThreadOptions & {
    /** The thread's file. */
    worker?: URL
  },
): Promise<TrainingOutcome> {
  const file = options.worker ?? new URL('./training-worker.ts', import.meta.url)
  return await runThread<TrainingOutcome>(file, order, options)
}

/** The same for a thread of another kind. */
export async function runThread<Outcome>(
  file: URL,
  order: object,
  options: ThreadOptions,
): Promise<Outcome> {
  const { signal, deadlineMs = DEADLINE_MS, maxHeapMb = MAX_HEAP_MB } = options
  signal.throwIfAborted()
  const worker = new Worker(file, {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  })
  const done = Promise.withResolvers<Outcome>()
  const fail = (problem: string) => done.reject(new Fault('training.failed', { problem }))
  const abort = () => done.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const timer = setTimeout(() => fail(`it took longer than ${deadlineMs / 1000} s`), deadlineMs)
  worker.on('message', (news: ThreadNews<Outcome>) => {
    if ('progress' in news) options.onProgress(news.phase, news.progress)
    else if ('outcome' in news) done.resolve(news.outcome)
    else fail(news.problem)
  })
  worker.on('error', (error) => fail(wordsOf(error)))
  worker.on('exit', (code) => fail(`its thread ended with code ${code}`))
  worker.postMessage(order)
  try {
    return await done.promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    // Native code cannot be interrupted: nobody waits for a busy thread to be gone.
    void worker.terminate()
  }
}

function wordsOf(error: Error & { code?: string }): string {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'it needs more memory than it may take'
  return error.message
}
