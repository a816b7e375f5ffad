/** Owns the worker thread that runs models: started when first needed, again after a crash, with a deadline per call. */
import { Worker } from 'node:worker_threads'
import type { Batch, RunnableModel, SessionShape, Values } from '../../models/session.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { runKeyOf } from './run-key.ts'

/** A batch of a thousand windows takes under 50 ms; a call this slow is stuck. */
const DEADLINE_MS = 5000
/** JavaScript heap of the thread; the runtime's own memory is outside of it. */
const MAX_HEAP_MB = 256

type Order =
  | { op: 'load'; model: string; bytes: Uint8Array; shape: SessionShape }
  | { op: 'run'; model: string; windows: Values; batch: number }
  | { op: 'unload'; model: string }
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
  run(model: RunnableModel, windows: Values, batch: number): Promise<Batch>
  /** Nobody runs it any more: its session is closed. By its run key, or of a file under all of its manifests. */
  release(key: string): Promise<void>
}

/** One running thread, what it has loaded, and what it owes. */
interface Thread {
  loaded: Set<string>
  ask(order: Order): Promise<Batch | undefined>
  /** Fails whatever is pending and stops the thread. */
  end(problem: string): Promise<void>
}

/** Nothing is started before the first run. */
export function openInference(options: InferenceOptions): Inference {
  const { log, deadlineMs = DEADLINE_MS } = options
  const file = options.worker ?? new URL('./inference-worker.ts', import.meta.url)
  let thread: Thread | undefined
  let closed = false

  function start(): Thread {
    const started = startThread(file, deadlineMs, (problem) => {
      if (thread !== started) return
      thread = undefined
      if (!closed) log.warn({ problem }, 'model thread lost, the next run starts another')
    })
    return started
  }

  return {
    async run({ manifest, bytes, sha256 }, windows, batch) {
      if (closed) throw new Fault('scoring.failed', { problem: 'scoring is closed' })
      thread ??= start()
      const current = thread
      const model = runKeyOf({ manifest, sha256 })
      if (!current.loaded.has(model)) {
        await current.ask({ op: 'load', model, bytes, shape: manifest })
        current.loaded.add(model)
      }
      const result = await current.ask({ op: 'run', model, windows, batch })
      if (!result) throw new Fault('scoring.failed', { problem: 'the model gave no output' })
      return result
    },
    async release(key) {
      const current = thread
      for (const model of [...(current?.loaded ?? [])]) {
        if (!model.startsWith(key) || !current?.loaded.delete(model)) continue
        // A thread that is lost meanwhile has closed it, too.
        await current.ask({ op: 'unload', model }).catch(() => undefined)
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await thread?.end('scoring is closed')
    },
  }
}

/** `onEnd` is called once, whether the thread crashed, exited, hung or was stopped. */
function startThread(file: URL, deadlineMs: number, onEnd: (problem: string) => void): Thread {
  const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MB }
  const worker = new Worker(file, { execArgv: [], resourceLimits })
  const pending = new Map<number, PromiseWithResolvers<Batch | undefined>>()
  let lastId = 0
  let ended = false

  function finish(problem: string): void {
    if (ended) return
    ended = true
    onEnd(problem)
    for (const one of pending.values()) one.reject(new Fault('scoring.failed', { problem }))
    pending.clear()
  }
  async function end(problem: string): Promise<void> {
    finish(problem)
    await worker.terminate()
  }

  worker.on('message', (answer: Answer) => settle(pending, answer))
  worker.on('error', (error) => finish(error.message))
  worker.on('exit', (code) => finish(`the thread ended with code ${code}`))
  worker.unref()
  return {
    loaded: new Set(),
    end,
    async ask(order) {
      const problem = `no answer within ${deadlineMs} ms`
      const id = ++lastId
      const answer = Promise.withResolvers<Batch | undefined>()
      pending.set(id, answer)
      // Native code cannot be interrupted: nobody waits for a hung thread to be gone.
      const timer = setTimeout(() => void end(problem), deadlineMs)
      worker.postMessage({ ...order, id })
      return await answer.promise.finally(() => clearTimeout(timer))
    },
  }
}

function settle(pending: Map<number, PromiseWithResolvers<Batch | undefined>>, answer: Answer) {
  const waiting = pending.get(answer.id)
  pending.delete(answer.id)
  if ('problem' in answer) waiting?.reject(new Fault('scoring.failed', { problem: answer.problem }))
  else waiting?.resolve(answer.batch)
}
