/** Opens a model file with onnxruntime and runs batches of windows on it. */
import type { InferenceSession } from 'onnxruntime-node'
import type { Manifest } from './manifest.ts'

export interface Batch {
  score: Float32Array
  ratio: Float32Array
  /** `[B, p]`, row by row. */
  contributions: Float32Array
}

export interface ModelSession extends AsyncDisposable {
  /** `windows` holds `[B, T, p]`; blocks the calling thread while it runs. */
  run(windows: Float32Array, batch: number): Promise<Batch>
}

/** One thread per session: a second core halves the speed of graphs this small. */
export const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
}

type SessionShape = Pick<Manifest, 'input' | 'outputs' | 'windowRows'> & {
  tags: readonly unknown[]
}

/** Loads the runtime (40 ms, 10 MB) only when a session is wanted. */
export async function openSession(bytes: Uint8Array, shape: SessionShape): Promise<ModelSession> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(bytes, SESSION_OPTIONS)
  const { input, outputs, windowRows, tags } = shape
  const read = (results: InferenceSession.ReturnType, name: string): Float32Array => {
    const data = results[name]?.data
    return data instanceof Float32Array ? data : new Float32Array()
  }
  return {
    async run(windows, batch) {
      const tensor = new Tensor('float32', windows, [batch, windowRows, tags.length])
      const results = await session.run({ [input]: tensor })
      return {
        score: read(results, outputs.score),
        ratio: read(results, outputs.ratio),
        contributions: read(results, outputs.contributions),
      }
    },
    async [Symbol.asyncDispose]() {
      await session.release()
    },
  }
}
