/** Runs a model that takes a row of features, and checks it against its trainer. */
import { Fault } from '../../protocol/kit/fault.ts'
import { SESSION_OPTIONS, type Values } from '../session.ts'

/** The written graph may differ from the trainer by this much: |a - b| / max(size, |b|). */
const FAITHFUL_LIMIT = 1e-3

export interface FeatureSession extends AsyncDisposable {
  /** `features` is `[rows, F]`, or of the shape that is given; one array per output, in the order of the names. */
  run(features: Values, rows: number, shape?: readonly number[]): Promise<Float32Array[]>
}

export interface FeatureModel {
  bytes: Uint8Array
  input: string
  outputs: readonly string[]
  /** Of the input; float32 when left out. */
  precision?: 'float64'
}

export async function openFeatureSession(model: FeatureModel): Promise<FeatureSession> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(model.bytes, SESSION_OPTIONS)
  return {
    async run(features, rows, shape = [rows, features.length / Math.max(1, rows)]) {
      const tensor =
        model.precision === 'float64'
          ? new Tensor('float64', Float64Array.from(features), [...shape])
          : new Tensor('float32', Float32Array.from(features), [...shape])
      const results = await session.run({ [model.input]: tensor })
      return model.outputs.map((name) => {
        const data = results[name]?.data
        if (data instanceof Float64Array) return Float32Array.from(data)
        return data instanceof Float32Array ? data : new Float32Array()
      })
    },
    async [Symbol.asyncDispose]() {
      await session.release()
    },
  }
}

export interface Expectation {
  features: Values
  rows: number
  /** What the trainer says, output by output. */
  expected: readonly ArrayLike<number>[]
  /** Answers smaller than this are compared with it; 1 when left out. */
  size?: number
}

/** The largest difference; above the limit, or with a number missing, it is Fault 'model.unfaithful'. */
export async function checkFeatureModel(
  model: FeatureModel,
  { features, rows, expected, size = 1 }: Expectation,
): Promise<number> {
  await using session = await openFeatureSession(model)
  const got = await session.run(features, rows)
  let difference = 0
  expected.forEach((values, output) => {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? Number.NaN
      const off =
        Math.abs((got[output]?.[i] ?? Number.NaN) - value) / Math.max(size, Math.abs(value))
      difference = off <= difference ? difference : off
    }
  })
  if (difference <= FAITHFUL_LIMIT) return difference
  throw new Fault('model.unfaithful', { difference, limit: FAITHFUL_LIMIT })
}
