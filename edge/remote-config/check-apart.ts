/** Has a configuration from the cloud checked without keeping the links waiting: a large one in a thread of its own, within bounds. */
import { Worker } from 'node:worker_threads'
import { type CheckOrder, type CheckVerdict, carryOutCheck } from './check-order.ts'

/** Some hundred tags: checked in place in less time than a thread needs to start. */
const MAX_IN_PLACE_CHARS = 20_000
/** Ten thousand tags take two seconds; what takes longer than this is meant to. */
const DEADLINE_MS = 30_000
/** The same ten thousand need 200 MB; YAML made to swell dies in its thread. */
const MAX_HEAP_MB = 512

/** No more brackets than a few lists of trust and hosts; a parser descends with each. */
const MAX_LISTS = 100

/** What it says is as long as its text: nothing in it stands for something longer, or nests without end. */
function isAsLong(yaml: string): boolean {
  return !/[&*]/.test(yaml) && yaml.split('[').length <= MAX_LISTS
}

/** Never rejects: what cannot be checked is a problem too. */
export async function checkApart(order: CheckOrder): Promise<CheckVerdict> {
  if (order.yaml.length + order.site.text.length <= MAX_IN_PLACE_CHARS && isAsLong(order.yaml)) {
    return await carryOutCheck(order).catch((error: unknown) => refuse(String(error)))
  }
  const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MB }
  const file = new URL('./check-worker.ts', import.meta.url)
  const worker = new Worker(file, { workerData: order, execArgv: [], resourceLimits })
  const timer = setTimeout(() => void worker.terminate(), DEADLINE_MS)
  try {
    return await new Promise<CheckVerdict>((resolve) => {
      worker.once('message', resolve)
      worker.once('error', (error) => resolve(refuse(error.message)))
      worker.once('exit', () => resolve(refuse('it takes too long')))
    })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

function refuse(why: string): CheckVerdict {
  return { problems: [{ line: 1, path: '', say: `cannot be checked: ${why}` }] }
}
