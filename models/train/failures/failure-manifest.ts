/** The manifest of a model of failure modes: its tags, the machine's own normal, the modes and how well each was told. */
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { Fault } from '../../../protocol/kit/fault.ts'
import { closed, Name } from '../feature-manifest.ts'

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Count = Type.Integer({ minimum: 0 })

/** One column of the output; the first one is normal operation and has an empty name. */
const ClassSchema = Type.Object(
  {
    name: Type.String({ maxLength: 256 }),
    /** Cases of the mode, or stretches of normal operation, and their windows. */
    cases: Count,
    windows: Count,
    /** How far a share of belief is trusted: (right + 1) / (named + 2) of the cases held out. */
    trust: Type.Number({ minimum: 0, maximum: 1 }),
  },
  closed,
)

const FailureManifestSchema = Type.Object(
  {
    name: Name,
    version: Type.Integer({ minimum: 1 }),
    kind: Type.Literal('failures'),
    tags: Type.Array(Name, { minItems: 1, maxItems: 1024 }),
    periodMs: Type.Number({ exclusiveMinimum: 0 }),
    windowRows: Type.Integer({ minimum: 1 }),
    features: Type.Array(Name, { minItems: 1 }),
    featureRule: Type.String({ maxLength: 2000 }),
    /** Of this machine, feature by feature. */
    normal: Type.Array(
      Type.Object({ mean: Type.Number(), scale: Type.Number({ exclusiveMinimum: 0 }) }, closed),
    ),
    input: Name,
    outputs: Type.Object({ shares: Name, strangeness: Name }, closed),
    classes: Type.Array(ClassSchema, { minItems: 3 }),
    /** Less belief than this is no name. */
    leastShare: Type.Number({ minimum: 0, maximum: 1 }),
    /** `[truth][said]` in cases held out; the last column is "none of the known ones". */
    confusion: Type.Array(Type.Array(Count)),
    training: Type.Object({ windows: Count, hash: Sha256, seed: Type.Integer() }, closed),
    metrics: Type.Record(Type.String(), Type.Number()),
    files: Type.Object({ 'model.onnx': Sha256 }, closed),
  },
  closed,
)
export type FailureManifest = Static<typeof FailureManifestSchema>

/** Throws Fault 'model.bad-manifest'. */
export function parseFailureManifest(text: string, file: string): FailureManifest {
  const value: unknown = JSON.parse(text)
  const [first] = Errors(FailureManifestSchema, value)
  if (!first) return value as FailureManifest
  const where = first.instancePath === '' ? 'top level' : first.instancePath
  throw new Fault('model.bad-manifest', { file, where, problem: first.message })
}
