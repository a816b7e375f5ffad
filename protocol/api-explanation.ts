/** The part of the HTTP API that explains an alarm: tags that stand out, cases like it, known failures, changes of level. */
import { type Static, Type } from 'typebox'
import { modelStages } from './api-models.ts'
import { at, nullable, oneOf, text } from './api-schema.ts'

/** What is told of a closed case of the same kind of asset: what was learned of it to everybody at the customer. */
const ClosedCase = {
  /** Which case it was; null: one of a site that is not the reader's. */
  case: nullable(
    Type.Object({
      id: Type.String(),
      title: Type.String(),
      assetName: Type.String(),
      closedAt: at,
    }),
  ),
  cause: Type.String(),
  action: Type.String(),
}

/** One whose alarm looked alike. */
export const SimilarCase = Type.Object({
  ...ClosedCase,
  usefulness: Type.String(),
  similarity: Type.Number({ minimum: 0, maximum: 1 }),
})
export type SimilarCase = Static<typeof SimilarCase>

/**
 * `named`: it looks like a known failure; `normal`: like normal operation; `unclear`: between some of them; `none`: like
 * none of the known ones; `unknown`: nothing can be said, e.g. because data are bad.
 */
export const failureStates = ['named', 'normal', 'unclear', 'none', 'unknown'] as const
export type FailureState = (typeof failureStates)[number]

const Saying = {
  at,
  state: oneOf(failureStates),
  mode: nullable(Type.String()),
  probability: nullable(Type.Number({ minimum: 0, maximum: 1 })),
}

/** What a model of known failures says of an alarm; it never raises or clears one. */
export const FailureView = Type.Object({
  ...Saying,
  /** Modes with their probabilities, the likeliest first, at most three; empty where nothing known is near. */
  candidates: Type.Array(Type.Object({ mode: Type.String(), probability: Type.Number() })),
  /** Why it is unknown. */
  reason: nullable(Type.String()),
  model: Type.String(),
  version: Type.Integer(),
  stage: oneOf(modelStages),
  /** True: kept as it was said while the alarm was active; false: found just now. */
  recorded: Type.Boolean(),
  /** What was said before, oldest first. */
  earlier: Type.Array(Type.Object(Saying)),
  /** Closed cases of this mode at this type of asset, and the newest of them with what fixed them. */
  cases: Type.Integer(),
  fixed: Type.Array(Type.Object({ ...ClosedCase, part: nullable(Type.String()) })),
})
export type FailureView = Static<typeof FailureView>

/** Where the mean of a tag moved, by the means of the rows before and after: a marker, not an alarm. */
export const LevelChange = Type.Object({
  tag: Type.String(),
  name: Type.String(),
  unit: nullable(Type.String()),
  at,
  /** Means before and after, in the tag's unit. */
  before: Type.Number(),
  after: Type.Number(),
})
export type LevelChange = Static<typeof LevelChange>

/** GET /api/assets/:id/changes?tag=…&tag=…&from=…&to=… (at most 20 tags of the asset and 400 days) */
export const LevelChanges = Type.Object({
  changes: Type.Array(LevelChange, { description: 'oldest first, at most 50 a tag' }),
})
export type LevelChanges = Static<typeof LevelChanges>

/** GET /api/alarms/:id/explanation */
export const Explanation = Type.Object({
  /** Top tags with what was read, what was expected by the others, and how far off, in deviations. */
  tags: Type.Array(
    Type.Object({
      tag: Type.String(),
      name: Type.String(),
      unit: nullable(Type.String()),
      z: Type.Number(),
      direction: oneOf(['high', 'low'] as const),
      value: nullable(Type.Number()),
      expected: nullable(Type.Number()),
    }),
  ),
  /** Names of tags that had no good value in a part of what raised the alarm: what the others let expect stood there. */
  filled: Type.Array(Type.String()),
  /** Which tags left their normal in which order; the first may be the cause. */
  movedFirst: Type.Array(Type.Object({ tag: Type.String(), name: Type.String(), at })),
  /** Changes of level of these tags around the alarm. */
  changes: Type.Array(LevelChange),
  /** By the version in use first, then one on trial; empty where there is none. */
  failures: Type.Array(FailureView),
  similar: Type.Array(SimilarCase),
})
export type Explanation = Static<typeof Explanation>

/** GET /api/assets/:id/failures: whether the closed cases of this type of asset suffice for a model of known failures. */
export const FailureReadiness = Type.Object({
  /** So many cases in each of so many modes. */
  casesWanted: Type.Integer(),
  modesWanted: Type.Integer(),
  modes: Type.Array(Type.Object({ mode: Type.String(), cases: Type.Integer() })),
  /** Useful cases that cannot be used: no alarm says when it showed, or nobody named the failure. */
  withoutAlarm: Type.Integer(),
  withoutMode: Type.Integer(),
  ready: Type.Boolean(),
  /** Ready, and there are cases that the newest version has not seen. */
  proposed: Type.Boolean(),
  /** What versions not retired said of cases that were closed since, the newest version first. */
  record: Type.Array(
    Type.Object({
      model: Type.String(),
      version: Type.Integer(),
      cases: Type.Integer(),
      right: Type.Integer(),
      wrong: Type.Integer({ description: 'another name; the rest got none' }),
    }),
  ),
})
export type FailureReadiness = Static<typeof FailureReadiness>

/** POST /api/assets/:id/train-failures → TrainingJobView */
export const TrainFailuresRequest = Type.Object({ note: Type.Optional(text(1000)) })
export type TrainFailuresRequest = Static<typeof TrainFailuresRequest>
