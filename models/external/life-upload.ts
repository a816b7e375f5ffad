/** What must be said of a model of remaining life that was trained elsewhere; or the manifest of one that `mimamori train` made. */
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { Fault } from '../../protocol/kit/fault.ts'
import { type LifeManifest, LifeManifestSchema } from '../train/rul/life-manifest.ts'

const Name = Type.String({ minLength: 1, maxLength: 256 })
const Positive = Type.Number({ exclusiveMinimum: 0 })
const Hours = Type.Number({ minimum: 0 })

/** Whatever else it says is passed over. */
export const ForeignLife = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
  kind: Type.Literal('remaining-life'),
  /** Columns of a row of the input, in order. */
  tags: Type.Array(Type.Object({ name: Name }), { minItems: 1, maxItems: 1024 }),
  /** A row is the mean of so many hours. */
  stepHours: Type.Number({ minimum: 0.01, maximum: 8_760 }),
  /** Rows T of a window, the newest last, where the file does not say. */
  windowRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
  /** One number each: what is left, and the ends of its 90 % interval. */
  outputs: Type.Optional(
    Type.Object({
      rul: Type.Optional(Name),
      low: Type.Optional(Name),
      high: Type.Optional(Name),
    }),
  ),
  /** Of the outputs; 1 when left out. A model in cycles of 20 minutes says 0.333. */
  hoursPerUnit: Type.Optional(Positive),
  /** A longer life is not told apart from this. */
  capHours: Positive,
  /** How far off it was on machines it had not seen (90 %); needed where it has no outputs `low` and `high`. */
  errorHours: Type.Optional(Type.Object({ low: Hours, high: Hours })),
  /** Lives that ended with the failure, and their rows. */
  trainedOn: Type.Object({
    units: Type.Integer({ minimum: 1 }),
    rows: Type.Integer({ minimum: 1 }),
  }),
  notes: Type.Optional(Type.String({ maxLength: 4000 })),
})
export type ForeignLife = Static<typeof ForeignLife>

export type LifeUpload = { own: LifeManifest } | { foreign: ForeignLife }

/** Whether an uploaded manifest is of a model of remaining life or a health index. */
export function isLifeUpload(manifest: object): boolean {
  const kind: unknown = 'kind' in manifest ? manifest.kind : undefined
  return kind === 'remaining-life' || kind === 'health-index'
}

/** Throws Fault 'model.bad-manifest' with the place and what is wrong there. */
export function parseLifeUpload(value: object): LifeUpload {
  const isOwn = 'featureRule' in value
  const [first] = Errors(isOwn ? LifeManifestSchema : ForeignLife, value)
  if (first) throw refuse(first.instancePath || 'top level', first.message)
  if (isOwn) return { own: checkOwn(value as LifeManifest) }
  const manifest = value as ForeignLife
  const { outputs = {}, errorHours, tags } = manifest
  const names = tags.map(({ name }) => name)
  const double = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (double >= 0) throw refuse(`/tags/${double}/name`, `"${names[double]}" is listed twice`)
  if (errorHours === undefined && (outputs.low === undefined || outputs.high === undefined))
    throw refuse(
      '/errorHours',
      'a life without its interval is of no use: name outputs low and high, or say how far off the model was',
    )
  return { foreign: manifest }
}

/** The tags it looks at. */
export function tagsOf(upload: LifeUpload): string[] {
  return 'own' in upload ? upload.own.tags : upload.foreign.tags.map(({ name }) => name)
}

/** Hours from one row to the next. */
export function stepOf(upload: LifeUpload): number {
  return 'own' in upload ? upload.own.step : upload.foreign.stepHours
}

function checkOwn(manifest: LifeManifest): LifeManifest {
  if (manifest.timeUnit === 'h') return manifest
  throw refuse('/timeUnit', 'it counts in units of its own; train it on histories with dates')
}

function refuse(where: string, problem: string): Fault {
  return new Fault('model.bad-manifest', { file: 'the manifest', where, problem })
}
