/** The thread that trains a model of known failures: it fits some tens of times, which would block everybody else. */
import { parentPort } from 'node:worker_threads'
import {
  createFailureTable,
  type FailureQuestion,
} from '../../models/train/failures/failure-table.ts'
import { trainFailures } from '../../models/train/failures/train-failures.ts'
import type { FailureVersion } from './failure-job.ts'
import type { ThreadNews } from './training-thread.ts'

const tell = (news: ThreadNews<FailureVersion>) => parentPort?.postMessage(news)

async function train(question: FailureQuestion): Promise<FailureVersion> {
  const { manifest, bytes, card, golden } = await trainFailures(
    createFailureTable(question),
    (phase, progress) => tell({ phase, progress }),
  )
  const json = (value: object) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)
  const files = {
    'model.onnx': bytes,
    'manifest.json': json(manifest),
    'card.md': new TextEncoder().encode(card),
    'golden.json': json(golden),
  }
  return { manifest, files }
}

parentPort?.on('message', (question: FailureQuestion) => {
  train(question).then(
    (outcome) => tell({ outcome }),
    (error: unknown) => tell({ problem: error instanceof Error ? error.message : String(error) }),
  )
})
