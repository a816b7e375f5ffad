/** Opens a foreign model in a thread with limits of time and memory, and says what it has and what it answers. */
import { Worker } from 'node:worker_threads'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Values } from '../session.ts'

export interface DryRunLimits {
  /** A model that needs longer for the normal period will not keep up with live data. */
  timeMs: number
  /** JavaScript heap of the thread. */
  heapMb: number
  /** Growth of the whole process: the runtime's own memory is outside of the heap. */
  memoryMb: number
}

const LIMITS: DryRunLimits = { timeMs: 30_000, heapMb: 128, memoryMb: 512 }
/** How often the memory is looked at. */
const WATCH_MS = 25

/** An input or output as the file declares it; without type where it is no tensor. */
export interface ModelPort {
  name: string
  type?: string
  /** Numbers, or a name where the size is free. */
  shape?: string[]
}

export interface DryRunBatch {
  values: Values
  dims: readonly number[]
  /** The output to read. */
  output: string
}

export interface DryRunOrder {
  bytes: Uint8Array
  batches: readonly DryRunBatch[]
}

export interface DryRunAnswer {
  inputs: ModelPort[]
  outputs: ModelPort[]
  /** The numbers of each batch, as the output holds them. */
  scores: number[][]
}

/** Fault 'model.bad-file' in words when the model cannot be opened or run, hangs, or needs too much memory. */
export async function dryRun(
  order: DryRunOrder,
  { limits = LIMITS, worker: file }: { limits?: DryRunLimits; worker?: URL } = {},
): Promise<DryRunAnswer> {
  const refuse = (problem: string) => new Fault('model.bad-file', { file: 'model.onnx', problem })
  const resourceLimits = { maxOldGenerationSizeMb: limits.heapMb }
  const url = file ?? new URL('./dry-run-worker.ts', import.meta.url)
  const before = process.memoryUsage.rss()
  const worker = new Worker(url, { workerData: order, execArgv: [], resourceLimits })
  const done = Promise.withResolvers<DryRunAnswer>()
  worker.on('message', (answer: DryRunAnswer | { problem: string }) =>
    'problem' in answer ? done.reject(refuse(answer.problem)) : done.resolve(answer),
  )
  worker.on('error', (error) => done.reject(refuse(error.message)))
  worker.on('exit', () => done.reject(refuse('its thread ended without an answer')))
  const late = setTimeout(
    () => done.reject(refuse(`no answer within ${limits.timeMs / 1000} s`)),
    limits.timeMs,
  )
  const watch = setInterval(() => {
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20
    if (grown > limits.memoryMb)
      done.reject(refuse(`it takes more than ${limits.memoryMb} MB of memory`))
  }, WATCH_MS)
  try {
    return await done.promise
  } finally {
    clearTimeout(late)
    clearInterval(watch)
    // Native code cannot be interrupted: nobody waits for a hung thread to be gone.
    void worker.terminate()
  }
}
