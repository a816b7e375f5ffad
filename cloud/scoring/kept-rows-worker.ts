/** The thread that reads the rows a model was trained on: fitting them takes from milliseconds to seconds. */
import { parentPort } from 'node:worker_threads'
import { fitDetector, SCORE_ROWS } from '../../models/train/detector.ts'
import { findSegments } from '../../models/train/grid.ts'
import { createStepWatch, type Steps } from '../../models/train/live-step.ts'
import { decodeNormal } from '../../models/train/normal-rows.ts'
import type { Found, KeptAnswer, KeptRequest } from './kept-rows.ts'

async function answer(request: KeptRequest): Promise<Found> {
  const { manifest, packed } = request
  const normal = await decodeNormal(packed, manifest)
  if (request.op === 'fit') {
    const lags = manifest.windowRows - SCORE_ROWS
    const resolutions = Float64Array.from(manifest.tags, ({ step }) => step ?? 0)
    return { detector: fitDetector(normal, findSegments(normal), { lags, resolutions }) }
  }
  const watch = createStepWatch(manifest, normal)
  let steps: Steps = {}
  for (const row of request.rows) steps = { ...steps, ...watch.accept(row) }
  return { steps }
}

parentPort?.on('message', (request: KeptRequest) => {
  const reply = (body: KeptAnswer) => parentPort?.postMessage(body)
  answer(request).then(
    (found) => reply({ id: request.id, found }),
    (error: unknown) =>
      reply({ id: request.id, problem: error instanceof Error ? error.message : String(error) }),
  )
})
