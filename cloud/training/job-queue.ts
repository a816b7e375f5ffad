/** Works off training jobs one at a time, the oldest first; a job can be taken back at any moment. */
import { Fault } from '../../protocol/kit/fault.ts'
import { cancelOpenJob, failAbandoned, findJob, listWaiting } from './job-rows.ts'
import { type JobParts, runJob } from './run-job.ts'

export interface JobQueue extends AsyncDisposable {
  /** There is something new to do. */
  wake(): void
  /** Takes back a job that waits or runs; resolves when its row says so. */
  cancel(id: string, by: string): Promise<void>
  /** Resolves when no job is waiting. */
  idle(): Promise<void>
}

/** Disposing it fails the job that runs, with the reason. */
export function createJobQueue(parts: JobParts): JobQueue {
  const { store, now, log } = parts
  const stop = new AbortController()
  let running: { id: string; cancel: AbortController; done: Promise<void> } | undefined
  let working: Promise<void> = Promise.resolve()

  async function work(): Promise<void> {
    await failAbandoned(store, now())
    for (;;) {
      const [next] = (await listWaiting(store)).filter(({ state }) => state === 'queued')
      if (!next || stop.signal.aborted) return
      const cancel = new AbortController()
      const done = workOff(next.id, AbortSignal.any([stop.signal, cancel.signal]))
      running = { id: next.id, cancel, done }
      try {
        await done
      } finally {
        running = undefined
      }
    }
  }

  /** It may have been taken back between the two looks. */
  async function workOff(id: string, signal: AbortSignal): Promise<void> {
    const job = await findJob(store, id)
    if (job?.state === 'queued') await runJob(parts, job, signal)
  }

  return {
    wake() {
      const onError = (error: unknown) => log.error({ err: error }, 'the trainings cannot go on')
      working = working.then(work).catch(onError)
    },
    async cancel(id, by) {
      if (running?.id !== id) {
        await cancelOpenJob(store, id, now())
        return
      }
      running.cancel.abort(new Fault('training.cancelled', { by }))
      await running.done
    },
    idle: () => working,
    async [Symbol.asyncDispose]() {
      stop.abort(new Fault('training.cancelled', { by: 'stop' }))
      await working
    },
  }
}
