/** The manifest of a remaining-life model or health index: columns, step, features, origin, metrics. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { Fault } from '../../../protocol/kit/fault.ts'
import { sha256Hex } from '../../manifest.ts'

const Name = Type.String({ minLength: 1, maxLength: 256 })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Positive = Type.Number({ exclusiveMinimum: 0 })
const closed = { additionalProperties: false }

export const LifeManifestSchema = Type.Object(
  {
    name: Name,
    version: Type.Integer({ minimum: 1 }),
    kind: Type.Union([Type.Literal('remaining-life'), Type.Literal('health-index')]),
    unitColumn: Name,
    timeColumn: Name,
    /** `own`: the unit of a numeric time column, whatever it is; `h`: hours, from dates. */
    timeUnit: Type.Union([Type.Literal('own'), Type.Literal('h')]),
    /** Units of time per row of the grid that features are made on. */
    step: Positive,
    /** Units of time: a longer remaining life is not told apart from this. */
    cap: Positive,
    tags: Type.Array(Name, { minItems: 1, maxItems: 1024 }),
    /** Columns of the input, in order; how each is made is in `featureRule`. */
    features: Type.Array(Name, { minItems: 1 }),
    featureRule: Type.String({ maxLength: 2000 }),
    /** What stands for a feature that could not be measured: its mean in training. */
    fill: Type.Array(Type.Number()),
    input: Name,
    outputs: Type.Record(Type.String(), Name),
    training: Type.Object(
      {
        units: Type.Integer({ minimum: 1 }),
        rows: Type.Integer({ minimum: 1 }),
        /** SHA-256 of the lives on their grid: float64 little-endian, unit by unit. */
        hash: Sha256,
        seed: Type.Integer(),
      },
      closed,
    ),
    metrics: Type.Record(Type.String(), Type.Number()),
    files: Type.Object({ 'model.onnx': Sha256 }, closed),
  },
  closed,
)
export type LifeManifest = Static<typeof LifeManifestSchema>

export interface LifeFolder {
  manifest: LifeManifest
  bytes: Uint8Array
}

/** Fault 'model.bad-manifest' or 'model.bad-file', with the file and what is wrong. */
export async function readLifeFolder(dir: string): Promise<LifeFolder> {
  const file = join(dir, 'manifest.json')
  const value: unknown = parse(await readModelFile(file), file)
  const [first] = Errors(LifeManifestSchema, value)
  if (first) {
    const where = first.instancePath === '' ? 'top level' : first.instancePath
    throw new Fault('model.bad-manifest', { file, where, problem: first.message })
  }
  const manifest = value as LifeManifest
  const modelFile = join(dir, 'model.onnx')
  const bytes = await readModelFile(modelFile)
  const problem = 'its SHA-256 is not the one in the manifest'
  if (sha256Hex(bytes) !== manifest.files['model.onnx'])
    throw new Fault('model.bad-file', { file: modelFile, problem })
  return { manifest, bytes }
}

function parse(bytes: Buffer, file: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('model.bad-manifest', { file, where: 'whole file', problem }, { cause: error })
  }
}

async function readModelFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('model.bad-file', { file, problem }, { cause: error })
  }
}
