/** What the kept training rows of a model are good for live: filling empty cells, and noticing coarser values; in a thread. */
import { Worker } from 'node:worker_threads'
import type { Manifest, ModelFolder } from '../../models/manifest.ts'
import type { Values } from '../../models/session.ts'
import type { Detector } from '../../models/train/detector.ts'
import { createFiller, type Filler } from '../../models/train/fill.ts'
import type { Steps } from '../../models/train/live-step.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'

/** A model's files as live scoring wants them. */
export interface WatchedFile extends ModelFolder {
  /** `normal.f32.gz` as it lies in the folder; without it nothing is filled and coarser values are not noticed. */
  normal?: Uint8Array
  /** One model per operating mode by its value, its own among them. */
  modes?: ReadonlyMap<string, WatchedFile>
  /** One model per phase of a cyclic machine beside its own. */
  clusters?: readonly WatchedFile[]
}

type KeptOrder = { manifest: Manifest; packed: Uint8Array } & (
  | { op: 'fit' }
  | { op: 'steps'; rows: readonly Values[] }
)
export type KeptRequest = KeptOrder & { id: number }
export type Found = { detector: Detector } | { steps: Steps }
export type KeptAnswer = { id: number } & ({ found: Found } | { problem: string })

export interface KeptRows extends AsyncDisposable {
  /** Undefined: there is none, or not yet; the first question begins the work. */
  fillerOf(model: WatchedFile): Filler | undefined
  /** Resolves when `fillerOf` has its final answer. */
  prepare(model: WatchedFile): Promise<void>
  /** The coarser steps of live rows, NaN where a value is not known; {} when there are none. */
  findSteps(model: WatchedFile, rows: readonly Values[]): Promise<Steps>
  /** Nobody runs this file any more. */
  release(sha256: string): void
}

/** No thread runs while nothing is asked. */
export function openKeptRows({ log }: { log: Log }): KeptRows {
  const fillers = new Map<string, { ready: Promise<void>; filler?: Filler }>()
  const thread = createThread()
  let closed = false

  async function ask(
    model: WatchedFile,
    rest: { op: 'fit' } | { op: 'steps'; rows: readonly Values[] },
  ) {
    const { manifest, normal: packed } = model
    if (closed || !packed || manifest.kind !== 'multivariate') return undefined
    try {
      return await thread.ask({ ...rest, manifest, packed })
    } catch (error) {
      if (closed) return undefined
      const problem = error instanceof Error ? error.message : String(error)
      log.warn({ model: manifest.name, problem }, 'the rows a model was trained on are of no use')
      return undefined
    }
  }

  function prepare(model: WatchedFile): { ready: Promise<void>; filler?: Filler } {
    const known = fillers.get(model.sha256)
    if (known) return known
    const entry: { ready: Promise<void>; filler?: Filler } = { ready: Promise.resolve() }
    fillers.set(model.sha256, entry)
    entry.ready = ask(model, { op: 'fit' }).then((found) => {
      if (found && 'detector' in found) entry.filler = createFiller(found.detector)
    })
    return entry
  }

  return {
    fillerOf: (model) => prepare(model).filler,
    prepare: (model) => prepare(model).ready,
    async findSteps(model, rows) {
      const found = await ask(model, { op: 'steps', rows })
      return found && 'steps' in found ? found.steps : {}
    },
    release: (sha256) => void fillers.delete(sha256),
    async [Symbol.asyncDispose]() {
      closed = true
      await thread.end()
    },
  }
}

/** Started by the first order, stopped after the last: the fits of a day take seconds, the thread's memory is for hours. */
function createThread() {
  const pending = new Map<number, PromiseWithResolvers<Found>>()
  let worker: Worker | undefined
  let lastId = 0

  function lose(lost: Worker, problem: string): void {
    if (worker !== lost) return
    worker = undefined
    for (const one of pending.values()) one.reject(new Fault('scoring.failed', { problem }))
    pending.clear()
  }

  function settle(answer: KeptAnswer): void {
    const waiting = pending.get(answer.id)
    pending.delete(answer.id)
    if ('problem' in answer)
      waiting?.reject(new Fault('scoring.failed', { problem: answer.problem }))
    else waiting?.resolve(answer.found)
    if (pending.size === 0) void end()
  }

  function start(): Worker {
    const file = new URL('./kept-rows-worker.ts', import.meta.url)
    const started = new Worker(file, { execArgv: [] })
    started.on('message', settle)
    started.on('error', (error) => lose(started, error.message))
    started.on('exit', (code) => lose(started, `the thread ended with code ${code}`))
    started.unref()
    return started
  }

  async function end(): Promise<void> {
    const ended = worker
    if (!ended) return
    lose(ended, 'scoring is closed')
    await ended.terminate()
  }

  return {
    end,
    ask(order: KeptOrder): Promise<Found> {
      worker ??= start()
      const id = ++lastId
      const answer = Promise.withResolvers<Found>()
      pending.set(id, answer)
      worker.postMessage({ ...order, id })
      return answer.promise
    },
  }
}
