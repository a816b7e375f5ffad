/** Measures scoring in one run: µs per window through our session against a bare `session.run` on the same bytes. */
import { performance } from 'node:perf_hooks'
import { readModelFolder } from '../manifest.ts'
import { median } from '../quantiles.ts'
import { openSession, SESSION_OPTIONS } from '../session.ts'
import { createRandom } from '../train/golden.ts'

const BATCHES = [1, 32, 1024] as const
const ROUNDS = 9
/** Windows per round and side, whatever the batch. */
const WINDOWS = 4096

export interface ScoringFigures {
  windowsPerS1: number
  windowsPerS32: number
  windowsPerS1024: number
  tags: number
  windowRows: number
  /** Per batch: the median through our session, and the bare runtime's time / ours (1 is no cost at all). */
  batches: Record<string, { microsPerWindow: number; ratioToBare: number }>
}

/** Takes a few seconds; figures are medians over rounds in which both sides take turns. */
export async function benchScoring(model: string): Promise<ScoringFigures> {
  const { manifest, bytes } = await readModelFolder(model)
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  await using session = await openSession(bytes, manifest)
  const bare = await InferenceSession.create(bytes, SESSION_OPTIONS)
  const { windowRows, tags, input } = manifest
  const batches: ScoringFigures['batches'] = {}
  for (const batch of BATCHES) {
    const windows = createWindows(manifest, batch)
    const tensor = new Tensor('float32', windows, [batch, windowRows, tags.length])
    const ours = () => session.run(windows, batch)
    batches[batch] = await compare(ours, () => bare.run({ [input]: tensor }), batch)
  }
  await bare.release()
  const perSecond = (batch: number) => 1e6 / (batches[batch]?.microsPerWindow ?? Number.NaN)
  return {
    windowsPerS1: perSecond(1),
    windowsPerS32: perSecond(32),
    windowsPerS1024: perSecond(1024),
    tags: tags.length,
    windowRows,
    batches,
  }
}

type Run = () => Promise<unknown>

async function compare(ours: Run, theirs: Run, batch: number) {
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
  return { microsPerWindow, ratioToBare: median(bare) / microsPerWindow }
}

/** Microseconds for all runs. */
async function measure(run: Run, runs: number): Promise<number> {
  const from = performance.now()
  for (let i = 0; i < runs; i++) await run()
  return (performance.now() - from) * 1000
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
