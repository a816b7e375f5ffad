/** What must be said about a model that was trained elsewhere: its tags in order, its pace, where its score is. */
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { Fault } from '../../protocol/kit/fault.ts'

const Name = Type.String({ minLength: 1, maxLength: 256 })

/** Whatever else a manifest says is passed over: calibration finds it, or does not need it. */
export const ExternalManifest = Type.Object({
  /** Part of the derived tags' names. */
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
  /** Columns of the input, in order; each must be a tag of the asset. */
  tags: Type.Array(
    Type.Object({ name: Name, unit: Type.Optional(Type.String({ maxLength: 32 })) }),
    { minItems: 1, maxItems: 1024 },
  ),
  /** One row every so many ms. */
  periodMs: Type.Number({ minimum: 10, maximum: 86_400_000 }),
  /** Rows T of a window, where the file does not say. */
  windowRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
  /** The output that is the score; needed where there are several of floats. */
  outputs: Type.Optional(Type.Object({ score: Name })),
  /** Place of the score in a row of that output; the last when left out. */
  column: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Whether a high or a low score is abnormal; `low` for scikit-learn's IsolationForest. */
  abnormal: Type.Optional(Type.Enum(['high', 'low'] as const)),
  /** Said in the card. */
  notes: Type.Optional(Type.String({ maxLength: 4000 })),
})
export type ExternalManifest = Static<typeof ExternalManifest>

/** Throws Fault 'model.bad-manifest' with the place and what is wrong there. */
export function parseExternalManifest(value: unknown): ExternalManifest {
  const refuse = (where: string, problem: string) =>
    new Fault('model.bad-manifest', { file: 'the manifest', where, problem })
  const [first] = Errors(ExternalManifest, value)
  if (first) throw refuse(first.instancePath || 'top level', first.message)
  const manifest = value as ExternalManifest
  const names = manifest.tags.map(({ name }) => name)
  const double = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (double >= 0) throw refuse(`/tags/${double}/name`, `"${names[double]}" is listed twice`)
  return manifest
}
