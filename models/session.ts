/** Opens a model file with onnxruntime and runs batches of windows on it. */
import type { InferenceSession } from 'onnxruntime-node'
import type { Manifest } from './manifest.ts'

/** Windows as the model takes them. */
export type Values = Float32Array | Float64Array

export function createValues({ precision }: Pick<Manifest, 'precision'>, length: number): Values {
  return precision === 'float64' ? new Float64Array(length) : new Float32Array(length)
}

export interface Batch {
  score: Float32Array
  ratio: Float32Array
  /** `[B, p]`, row by row. */
  contributions: Float32Array
}

export interface ModelSession extends AsyncDisposable {
  /** `windows` holds `[B, T, p]`; blocks the calling thread while it runs. */
  run(windows: Values, batch: number): Promise<Batch>
}

/** One thread per session: a second core halves the speed of graphs this small. */
export const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
}

export type SessionShape = Pick<Manifest, 'input' | 'outputs' | 'windowRows' | 'precision'> & {
  tags: readonly { mean?: number; scale?: number }[]
  /** Makes the ratio of a model that answers a score only. */
  threshold?: number
  external?: Manifest['external']
}

/** A file with what is needed to feed it. */
export interface RunnableModel {
  manifest: SessionShape
  bytes: Uint8Array
  sha256: string
}

/** Loads the runtime (40 ms, 10 MB) only when a session is wanted. */
export async function openSession(bytes: Uint8Array, shape: SessionShape): Promise<ModelSession> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(bytes, SESSION_OPTIONS)
  const { input, outputs, windowRows, tags, precision, threshold = 1 } = shape
  const dims = isFlat(session, input) ? [windowRows * tags.length] : [windowRows, tags.length]
  const read = (results: InferenceSession.ReturnType, name: string): Float32Array => {
    const data = results[name]?.data
    if (data instanceof Float64Array) return Float32Array.from(data)
    return data instanceof Float32Array ? data : new Float32Array()
  }
  return {
    async run(windows, batch) {
      const shaped = [batch, ...dims]
      const tensor =
        precision === 'float64'
          ? new Tensor(
              'float64',
              windows instanceof Float64Array ? windows : Float64Array.from(windows),
              shaped,
            )
          : new Tensor(
              'float32',
              windows instanceof Float32Array ? windows : Float32Array.from(windows),
              shaped,
            )
      if (shape.external) {
        const results = await session.run({ [input]: tensor }, [outputs.score])
        const all = Float32Array.from(results[outputs.score]?.data ?? [], Number)
        return readExternal(shape, { windows, batch, all })
      }
      const results = await session.run({ [input]: tensor })
      const score = read(results, outputs.score)
      const ratio = read(results, outputs.ratio)
      return {
        score,
        ratio: ratio.length > 0 ? ratio : score.map((value) => value / threshold),
        contributions: read(results, outputs.contributions),
      }
    },
    async [Symbol.asyncDispose]() {
      await session.release()
    },
  }
}

/** A model trained elsewhere may take the window as one row of numbers, `[B, F]`. */
function isFlat({ inputMetadata }: InferenceSession, name: string): boolean {
  const known = inputMetadata.find((one) => one.name === name)
  return known?.isTensor === true && known.shape.length === 2
}

interface ExternalRun {
  windows: Values
  batch: number
  /** The score output as it is, row by row. */
  all: Float32Array
}

/** A foreign model knows no threshold and no reasons: its tags speak by how far each is from its own normal. */
function readExternal(
  { external, threshold = 1, tags, windowRows }: SessionShape,
  { windows, batch, all }: ExternalRun,
): Batch {
  const { base = 0, abnormal, column = 0 } = external ?? {}
  const columns = all.length / batch
  const width = tags.length
  const score = Float32Array.from({ length: batch }, (_, i) => all[i * columns + column] ?? NaN)
  const sign = abnormal === 'low' ? -1 : 1
  const ratio = score.map((one) => (sign * (one - base)) / threshold)
  const contributions = new Float32Array(batch * width)
  windows.forEach((value, i) => {
    const { mean = 0, scale = 1 } = tags[i % width] ?? {}
    const at = Math.floor(i / (windowRows * width)) * width + (i % width)
    contributions[at] = (contributions[at] ?? 0) + (value - mean) / scale / windowRows
  })
  return { score, ratio, contributions }
}
