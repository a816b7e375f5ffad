/** Measures scoring in one run: µs per window through our session against a bare `session.run` on the same bytes. */
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { readModelFolder } from '../manifest.ts'
import { openSession, SESSION_OPTIONS } from '../session.ts'
import { createRandom } from '../train/golden.ts'

const SHIPPED = fileURLToPath(new URL('../shipped/hydraulic-press', import.meta.url))
const BATCHES = [1, 32, 1024]
const ROUNDS = 9
/** Windows per round and side, whatever the batch. */
const WINDOWS = 4096

export interface BatchFigures {
  /** Median through our session. */
  microsPerWindow: number
  /** Median of the bare runtime, measured alternately. */
  bareMicrosPerWindow: number
  /** Bare / ours: 1 is no cost at all. */
  ratioToBare: number
  windowsPerSecond: number
}

export interface ModelFigures {
  model: string
  tags: number
  windowRows: number
  batches: Record<string, BatchFigures>
}

/** Takes a few seconds; figures are medians over rounds in which both sides take turns. */
export async function benchModels(): Promise<ModelFigures> {
  const { manifest, bytes } = await readModelFolder(SHIPPED)
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  await using session = await openSession(bytes, manifest)
  const bare = await InferenceSession.create(bytes, SESSION_OPTIONS)
  const batches: Record<string, BatchFigures> = {}
  for (const batch of BATCHES) {
    const windows = createWindows(manifest, batch)
    const tensor = new Tensor('float32', windows, [
      batch,
      manifest.windowRows,
      manifest.tags.length,
    ])
    const ours = () => session.run(windows, batch)
    const theirs = () => bare.run({ [manifest.input]: tensor })
    batches[batch] = await compare(ours, theirs, batch)
  }
  await bare.release()
  const { name, windowRows, tags } = manifest
  return { model: name, tags: tags.length, windowRows, batches }
}

type Run = () => Promise<unknown>

async function compare(ours: Run, theirs: Run, batch: number): Promise<BatchFigures> {
  const runs = WINDOWS / batch
  await measure(ours, runs)
  await measure(theirs, runs)
  const own: number[] = []
  const bare: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    own.push((await measure(ours, runs)) / WINDOWS)
    bare.push((await measure(theirs, runs)) / WINDOWS)
  }
  const microsPerWindow = median(own)
  const bareMicrosPerWindow = median(bare)
  const ratioToBare = bareMicrosPerWindow / microsPerWindow
  return {
    microsPerWindow,
    bareMicrosPerWindow,
    ratioToBare,
    windowsPerSecond: 1e6 / microsPerWindow,
  }
}

/** Microseconds for all runs. */
async function measure(run: Run, runs: number): Promise<number> {
  const from = performance.now()
  for (let i = 0; i < runs; i++) await run()
  return (performance.now() - from) * 1000
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

interface Shape {
  windowRows: number
  tags: readonly { mean: number; scale: number }[]
}

/** Normal-looking windows from a fixed seed. */
function createWindows({ windowRows, tags }: Shape, batch: number): Float32Array {
  const random = createRandom(1)
  return Float32Array.from({ length: batch * windowRows * tags.length }, (_, i) => {
    const { mean = 0, scale = 1 } = tags[i % tags.length] ?? {}
    return mean + (random() - 0.5) * scale
  })
}
