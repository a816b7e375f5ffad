/** What stands beside a model file: its tags in order, window, threshold and origin; read with its hashes checked. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { Fault } from '../protocol/kit/fault.ts'
import { ClustersSchema } from './clusters.ts'
import { ModesSchema } from './modes.ts'

/** More tags than this is a mistake in the file, not an asset. */
export const MAX_TAGS = 1024
/** Rows of one window: longer ones belong to another kind of model. */
const MAX_WINDOW_ROWS = 4096

export const MAX_NAME_LENGTH = 256
const Name = Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Positive = Type.Number({ exclusiveMinimum: 0 })
const closed = { additionalProperties: false }

/** Limits that a value breaks or not, in the tag's own unit; found in the history of the tag. */
const TagRulesSchema = Type.Object(
  {
    low: Type.Number(),
    high: Type.Number(),
    /** Largest change from row to row. */
    maxStep: Type.Number({ minimum: 0 }),
    /** Unchanged for more rows than this is stuck; left out for a tag that rests. */
    stuckRows: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  closed,
)
export type TagRules = Static<typeof TagRulesSchema>

export const ManifestTagSchema = Type.Object(
  {
    name: Name,
    unit: Type.Optional(Type.String({ maxLength: 32 })),
    /** Mean and scale of normal operation, in the tag's own unit: for display, and for the graph. */
    mean: Type.Number(),
    scale: Positive,
    /** Smallest difference that the tag's training values have, or the live step that the trainer was told. */
    step: Type.Optional(Type.Number({ minimum: 0 })),
    rules: Type.Optional(TagRulesSchema),
  },
  closed,
)

/** How to feed a model that was trained elsewhere, and how to read its score. */
const ExternalSchema = Type.Object(
  {
    /** The middle of its scores on normal data; ratio = (score - base) / threshold, turned where low is abnormal. */
    base: Type.Number(),
    abnormal: Type.Enum(['high', 'low'] as const),
    /** Place of the score in a row of the output. */
    column: Type.Integer({ minimum: 0 }),
  },
  closed,
)

const SetAsideSchema = Type.Object({ name: Name, reason: Type.Literal('slow-drift') }, closed)

export const ManifestSchema = Type.Object(
  {
    name: Name,
    version: Type.Integer({ minimum: 1 }),
    /** All tags together, each by its own history, or trained elsewhere and calibrated here. */
    kind: Type.Enum(['multivariate', 'one-tag', 'external'] as const),
    /** Columns of the input, in order. */
    tags: Type.Array(ManifestTagSchema, { minItems: 1, maxItems: MAX_TAGS }),
    /** Tags of the training file that this model does not look at. */
    setAside: Type.Array(SetAsideSchema),
    periodMs: Positive,
    /** Of the training file, where it was asked for by name: a file to score has it too. */
    timeColumn: Type.Optional(Name),
    /** Rows T of the input `[B, T, p]`. */
    windowRows: Type.Integer({ minimum: 1, maximum: MAX_WINDOW_ROWS }),
    input: Name,
    /** Of the input; float32 when left out. Windows in float64 are for tags whose movement drowns in their size. */
    precision: Type.Optional(Type.Literal('float64')),
    /** A name that the graph does not have stands for an output that is made from the score. */
    outputs: Type.Object({ score: Name, ratio: Name, contributions: Name }, closed),
    external: Type.Optional(ExternalSchema),
    threshold: Positive,
    onDelayMs: Type.Integer({ minimum: 0 }),
    offDelayMs: Type.Integer({ minimum: 0 }),
    /** An alarm clears below max(threshold * (1 - deadband), peakClear * peak); 0: below the threshold. */
    peakClear: Type.Number({ minimum: 0, exclusiveMaximum: 1 }),
    deadband: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1 })),
    training: Type.Object(
      {
        rows: Type.Integer({ minimum: 1 }),
        /** Instant of the first row, Unix ms; null where the file had no time. */
        from: Type.Union([Type.Number(), Type.Null()]),
        /** SHA-256 of the training matrix: float64 little-endian, row by row, NaN where empty. */
        hash: Sha256,
        seed: Type.Integer(),
      },
      closed,
    ),
    metrics: Type.Record(Type.String(), Type.Number()),
    /** How far the mean of so many rows wandered in training, tag by tag, in scales: beyond it is drift. */
    drift: Type.Optional(
      Type.Object(
        {
          blockRows: Type.Integer({ minimum: 1 }),
          wander: Type.Array(Type.Number({ minimum: 0 })),
        },
        closed,
      ),
    ),
    /** One model per operating mode; left out where one model is for all operation. */
    modes: Type.Optional(ModesSchema),
    /** Models of the phases of a cyclic machine beside its own; never together with modes. */
    clusters: Type.Optional(ClustersSchema),
    files: Type.Object({ 'model.onnx': Sha256 }, closed),
  },
  closed,
)
export type Manifest = Static<typeof ManifestSchema>

/** Parses the text of a manifest; Fault 'model.bad-manifest' says which file, where in it, and what. */
export function parseManifest(text: string, file: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('model.bad-manifest', { file, where: 'whole file', problem }, { cause: error })
  }
  const [first] = Errors(ManifestSchema, value)
  if (first) {
    const where = first.instancePath === '' ? 'top level' : first.instancePath
    throw new Fault('model.bad-manifest', { file, where, problem: first.message })
  }
  const manifest = value as Manifest
  const names = manifest.tags.map(({ name }) => name)
  const double = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (double >= 0) {
    const problem = `"${names[double]}" is listed twice`
    throw new Fault('model.bad-manifest', { file, where: `/tags/${double}/name`, problem })
  }
  return manifest
}

/** Rows of normal operation it learned from, those of all modes. */
export function countTrainedRows({ training, modes }: Manifest): number {
  return modes?.known.reduce((sum, { rows }) => sum + rows, 0) ?? training.rows
}

/** A model as it lies in its folder, hashes checked. */
export interface ModelFolder {
  manifest: Manifest
  bytes: Uint8Array
  sha256: string
}

/** Reads `manifest.json` and `model.onnx`; a hash that differs is Fault 'model.bad-file'. */
export async function readModelFolder(dir: string): Promise<ModelFolder> {
  const manifestFile = join(dir, 'manifest.json')
  const manifest = parseManifest((await readModelFile(manifestFile)).toString('utf8'), manifestFile)
  const file = join(dir, 'model.onnx')
  const bytes = await readModelFile(file)
  const sha256 = sha256Hex(bytes)
  if (sha256 !== manifest.files['model.onnx'])
    throw new Fault('model.bad-file', {
      file,
      problem: 'its SHA-256 is not the one in the manifest',
    })
  return { manifest, bytes, sha256 }
}

async function readModelFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('model.bad-file', { file, problem }, { cause: error })
  }
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
