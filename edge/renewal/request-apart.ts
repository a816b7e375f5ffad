/** Has a certificate request made in a thread of its own, which takes its libraries with it when it ends. */
import { Worker } from 'node:worker_threads'
import type { MadeRequest } from './make-request.ts'

/** On the slowest of processors it takes seconds. */
const DEADLINE_MS = 60_000

export async function makeRequestApart(urn: string): Promise<MadeRequest> {
  const file = new URL('./request-worker.ts', import.meta.url)
  const worker = new Worker(file, { workerData: urn, execArgv: [] })
  const timer = setTimeout(() => void worker.terminate(), DEADLINE_MS)
  try {
    return await new Promise<MadeRequest>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new RangeError('no key was made in time')))
    })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
