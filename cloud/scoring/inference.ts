/** Owns the worker thread that runs models: started when first needed, again after a crash, with a deadline per call. */
import { Worker } from 'node:worker_threads'
import type { Manifest, ModelFolder } from '../../models/manifest.ts'
import type { Batch } from '../../models/session.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'

/** A batch of a thousand windows takes under 50 ms; a call this slow is stuck. */
const DEADLINE_MS = 5000
/** JavaScript heap of the thread; the runtime's own memory is outside of it. */
const MAX_HEAP_MB = 256

type Order =
  | { op: 'load'; model: string; bytes: Uint8Array; shape: Manifest }
  | { op: 'run'; model: string; windows: Float32Array; batch: number }
export type Request = Order & { id: number }
export type Answer = { id: number } & ({ batch?: Batch } | { problem: string })

export interface InferenceOptions {
  log: Log
  deadlineMs?: number
  /** The thread's file. */
  worker?: URL
}

export interface Inference extends AsyncDisposable {
  /** `[B, T, p]` through the model; throws Fault 'scoring.failed' when there is no answer. */
  run(model: ModelFolder, windows: Float32Array, batch: number): Promise<Batch>
}

/** One running thread with what it has loaded and what it owes. */
interface Thread {
  worker: Worker
  loaded: Set<string>
  pending: Map<number, PromiseWithResolvers<Batch | undefined>>
}

/** Nothing is started before the first run. */
export function openInference(options: InferenceOptions): Inference {
  const { log, deadlineMs = DEADLINE_MS } = options
  const file = options.worker ?? new URL('./inference-worker.ts', import.meta.url)
  let thread: Thread | undefined
  let closed = false
  let lastId = 0

  function startThread(): Thread {
    const worker = new Worker(file, {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    const started: Thread = { worker, loaded: new Set(), pending: new Map() }
    worker.on('message', (answer: Answer) => settle(started, answer))
    worker.on('error', (error) => end(started, error.message))
    worker.on('exit', (code) => end(started, `the thread ended with code ${code}`))
    worker.unref()
    return started
  }

  /** After this the next call starts a new thread. */
  function end(ended: Thread, problem: string): void {
    if (thread === ended) {
      thread = undefined
      if (!closed) log.warn({ problem }, 'model thread lost, the next run starts another')
    }
    for (const one of ended.pending.values()) one.reject(new Fault('scoring.failed', { problem }))
    ended.pending.clear()
  }

  async function ask(to: Thread, order: Order): Promise<Batch | undefined> {
    const id = ++lastId
    const answer = Promise.withResolvers<Batch | undefined>()
    to.pending.set(id, answer)
    const timer = setTimeout(() => {
      end(to, `no answer within ${deadlineMs} ms`)
      void to.worker.terminate()
    }, deadlineMs)
    to.worker.postMessage({ ...order, id })
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async run({ manifest, bytes, sha256 }, windows, batch) {
      if (closed) throw new Fault('scoring.failed', { problem: 'scoring is closed' })
      thread ??= startThread()
      const current = thread
      if (!current.loaded.has(sha256)) {
        await ask(current, { op: 'load', model: sha256, bytes, shape: manifest })
        current.loaded.add(sha256)
      }
      const result = await ask(current, { op: 'run', model: sha256, windows, batch })
      if (!result) throw new Fault('scoring.failed', { problem: 'the model gave no output' })
      return result
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const last = thread
      if (!last) return
      end(last, 'scoring is closed')
      await last.worker.terminate()
    },
  }
}

function settle({ pending }: Thread, answer: Answer): void {
  const waiting = pending.get(answer.id)
  pending.delete(answer.id)
  if ('problem' in answer) waiting?.reject(new Fault('scoring.failed', { problem: answer.problem }))
  else waiting?.resolve(answer.batch)
}
