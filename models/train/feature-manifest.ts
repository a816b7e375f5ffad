/** What the manifests of models on features have in common, and how such a model is read from its folder. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, type TSchema, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { Fault } from '../../protocol/kit/fault.ts'
import { sha256Hex } from '../manifest.ts'

export const Name = Type.String({ minLength: 1, maxLength: 256 })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
export const closed = { additionalProperties: false }

export const commonFields = {
  name: Name,
  version: Type.Integer({ minimum: 1 }),
  unitColumn: Name,
  timeColumn: Name,
  tags: Type.Array(Name, { minItems: 1, maxItems: 1024 }),
  /** Columns of the input, in order; how each is made is in `featureRule`. */
  features: Type.Array(Name, { minItems: 1 }),
  featureRule: Type.String({ maxLength: 2000 }),
  input: Name,
  outputs: Type.Record(Type.String(), Name),
  training: Type.Object(
    {
      /** Machines, or cycles. */
      units: Type.Integer({ minimum: 1 }),
      rows: Type.Integer({ minimum: 1 }),
      /** SHA-256 of what was learned from: little-endian numbers, unit by unit. */
      hash: Sha256,
      seed: Type.Integer(),
    },
    closed,
  ),
  metrics: Type.Record(Type.String(), Type.Number()),
  files: Type.Object({ 'model.onnx': Sha256 }, closed),
}

/** The kind that a folder's manifest names; undefined where it names none. */
export async function readModelKind(dir: string): Promise<string | undefined> {
  const value = await readManifestValue(join(dir, 'manifest.json'))
  const kind =
    typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined
  return typeof kind === 'string' ? kind : undefined
}

/** Fault 'model.bad-manifest' or 'model.bad-file', with the file and what is wrong. */
export async function readFeatureModel<Schema extends TSchema>(
  dir: string,
  schema: Schema,
): Promise<{ manifest: Static<Schema>; bytes: Uint8Array }> {
  const file = join(dir, 'manifest.json')
  const value = await readManifestValue(file)
  const [first] = Errors(schema, value)
  if (first) {
    const where = first.instancePath === '' ? 'top level' : first.instancePath
    throw new Fault('model.bad-manifest', { file, where, problem: first.message })
  }
  const manifest = value as Static<Schema> & { files: { 'model.onnx': string } }
  const modelFile = join(dir, 'model.onnx')
  const bytes = await readModelFile(modelFile)
  const problem = 'its SHA-256 is not the one in the manifest'
  if (sha256Hex(bytes) !== manifest.files['model.onnx'])
    throw new Fault('model.bad-file', { file: modelFile, problem })
  return { manifest, bytes }
}

async function readManifestValue(file: string): Promise<unknown> {
  const bytes = await readModelFile(file)
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
