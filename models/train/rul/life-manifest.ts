/** The manifest of a remaining-life model or health index: columns, step, features, origin, metrics. */
import { type Static, Type } from 'typebox'
import { closed, commonFields, readFeatureModel } from '../feature-manifest.ts'

const Positive = Type.Number({ exclusiveMinimum: 0 })

/** Of a model that was trained elsewhere: what it takes, and in what it answers. */
const External = Type.Object(
  {
    /** Its input is so many steps of the tags, the newest last; left out: the features above. */
    windowRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
    /** `[B, F]`: the steps side by side; else `[B, T, F]`. */
    flat: Type.Boolean(),
    hoursPerUnit: Positive,
    /** Hours that an end may come before and after the answer (90 %), where the model has no outputs for them. */
    error: Type.Optional(
      Type.Object(
        { low: Type.Number({ minimum: 0 }), high: Type.Number({ minimum: 0 }) },
        { additionalProperties: false },
      ),
    ),
  },
  closed,
)

export const LifeManifestSchema = Type.Object(
  {
    ...commonFields,
    kind: Type.Union([Type.Literal('remaining-life'), Type.Literal('health-index')]),
    /** `own`: the unit of a numeric time column, whatever it is; `h`: hours, from dates. */
    timeUnit: Type.Union([Type.Literal('own'), Type.Literal('h')]),
    /** Units of time per row of the grid that features are made on. */
    step: Positive,
    /** Units of time: a longer remaining life is not told apart from this. */
    cap: Positive,
    /** What stands for a feature that could not be measured: its mean in training. */
    fill: Type.Array(Type.Number()),
    /** Of the input; float32 when left out. */
    precision: Type.Optional(Type.Literal('float64')),
    external: Type.Optional(External),
  },
  closed,
)
export type LifeManifest = Static<typeof LifeManifestSchema>

/** Fault 'model.bad-manifest' or 'model.bad-file', with the file and what is wrong. */
export async function readLifeFolder(
  dir: string,
): Promise<{ manifest: LifeManifest; bytes: Uint8Array }> {
  return await readFeatureModel(dir, LifeManifestSchema)
}
