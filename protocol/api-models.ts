/** The part of the HTTP API about models: registry, training on site, back-test, drift, labels, remaining life. */
import { type Static, Type } from 'typebox'
import { at, nullable, oneOf, text } from './api-schema.ts'

/** A version is born in `shadow`; `active` alone raises alarms; at most one version of an asset and kind is active. */
export const modelStages = ['shadow', 'canary', 'active', 'retired'] as const
export type ModelStage = (typeof modelStages)[number]
/** `one-tag` looks at drifting tags each by itself; `external` was trained elsewhere and calibrated here. */
export const modelKinds = ['multivariate', 'one-tag', 'life', 'failures', 'external'] as const
export type ModelKind = (typeof modelKinds)[number]

export const Period = Type.Object({ from: at, to: at })
export type Period = Static<typeof Period>

/** Operating modes, the one with most data first; `tooFew`: seen, but with too little data for a model: unknown. */
export const ModelModes = Type.Object({
  tag: Type.String(),
  known: Type.Array(
    Type.Object({ value: Type.String(), rows: Type.Integer(), threshold: Type.Number() }),
  ),
  tooFew: Type.Array(Type.Object({ value: Type.String(), rows: Type.Integer() })),
})
export type ModelModes = Static<typeof ModelModes>

export const ModelVersionView = Type.Object({
  id: Type.String(),
  asset: Type.String(),
  site: Type.String(),
  name: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  kind: oneOf(modelKinds),
  stage: oneOf(modelStages),
  source: oneOf(['trained', 'uploaded', 'shipped'] as const),
  createdAt: at,
  createdBy: Type.String(),
  /** Who put it into its stage, and why; left out: it is in the one it began in. */
  stageChange: Type.Optional(Type.Object({ at, by: Type.String(), reason: Type.String() })),
  /** The normal periods it learned from; empty where unknown. */
  periods: Type.Array(Period),
  trainedRows: nullable(Type.Integer()),
  periodMs: Type.Number(),
  threshold: nullable(Type.Number()),
  /** One model per value of this tag; left out where one is for all operation. */
  modes: Type.Optional(ModelModes),
  tags: Type.Array(Type.String()),
  metrics: Type.Record(Type.String(), Type.Number()),
  /** SHA-256 of the training matrix and of the model file, hex. */
  dataHash: nullable(Type.String()),
  sha256: Type.String(),
  /** Its signature and hashes were checked when it was loaded; false: it is not used, `problem` says why. */
  intact: Type.Boolean(),
  problem: nullable(Type.String()),
  /** Of a value that is missing: `filled` by what the others let expect; `unknown`: no score, as this kind is; `retrain`: no score, its rows were not kept. */
  emptyCells: nullable(oneOf(['filled', 'unknown', 'retrain'] as const)),
})
export type ModelVersionView = Static<typeof ModelVersionView>

/** Two versions on the same live rows since the younger one was loaded. */
export const ModelComparison = Type.Object({
  active: Type.String(),
  other: Type.String(),
  since: at,
  rows: Type.Integer(),
  /** Share of rows on which both say the same about "above the threshold". */
  agreement: nullable(Type.Number()),
  activeAlarms: Type.Integer(),
  otherAlarms: Type.Integer(),
})
export type ModelComparison = Static<typeof ModelComparison>

/** Input drift is no fault: the tags moved together to another normal, or one left its training range for good. */
export const DriftView = Type.Object({
  state: oneOf(['none', 'drift', 'unknown'] as const),
  /** The operating mode that drifts, where it is not the main one. */
  mode: nullable(Type.String()),
  since: nullable(at),
  /** The tags that moved most: how far, in training deviations, signed. */
  tags: Type.Array(Type.Object({ name: Type.String(), shift: Type.Number() })),
  text: Type.String({ description: 'in words, and what to do' }),
  /** Tags whose live values come in coarser steps than those the model learned from, in their units. */
  coarser: Type.Array(Type.Object({ name: Type.String(), step: Type.Number() })),
})
export type DriftView = Static<typeof DriftView>

/** How much of the last hour (of a slow model: of its last sixty rows) could not be judged, and why. */
export const UnjudgedView = Type.Object({
  from: at,
  share: Type.Number({ minimum: 0, maximum: 1 }),
  /** Tags without a good value of their own in a tenth of the rows or more, the worst first. */
  tags: Type.Array(
    Type.Object({
      name: Type.String(),
      share: Type.Number(),
      problem: oneOf(['bad', 'stale', 'silent', 'not-a-number'] as const),
    }),
  ),
  /** Where no tag is to blame. */
  reason: nullable(Type.String()),
})
export type UnjudgedView = Static<typeof UnjudgedView>

/** One stretch that the model would have alarmed. */
export const BackTestAlarm = Type.Object({
  from: at,
  to: at,
  peak: Type.Number({ description: 'largest ratio' }),
  topTags: Type.Array(Type.String({ description: 'name and + or -' })),
})
/** What the model would have said about history, by the code that runs live. */
export const BackTest = Type.Object({
  from: at,
  to: at,
  rows: Type.Integer(),
  unknownRows: Type.Integer({ description: 'no score: gap, bad or stale data' }),
  alarms: Type.Array(BackTestAlarm),
  alarmsPerWeek: nullable(Type.Number()),
  /** When the machine was worked on as planned, and alarms that came and went then: they count nowhere. */
  maintenance: Type.Optional(
    Type.Object({
      windows: Type.Array(Type.Object({ from: at, to: at, text: Type.String() })),
      alarms: Type.Array(BackTestAlarm),
    }),
  ),
  /** By operating mode; left out where one model is for all operation. */
  modes: Type.Optional(
    Type.Array(
      Type.Object({
        mode: Type.String(),
        learned: Type.Boolean(),
        rows: Type.Integer(),
        unknownRows: Type.Integer(),
        alarms: Type.Integer({ description: 'begun in it' }),
      }),
    ),
  ),
  /** Largest ratio per bucket, at most 1,000 buckets; null: unknown. */
  series: Type.Object({ at: Type.Array(at), ratio: Type.Array(nullable(Type.Number())) }),
})
export type BackTest = Static<typeof BackTest>

export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]
export const TrainingJobView = Type.Object({
  id: Type.String(),
  asset: Type.String(),
  state: oneOf(jobStates),
  /** What it does now, e.g. "reading 12 tags", "held-out block 3 of 8". */
  phase: Type.String(),
  progress: Type.Number({ minimum: 0, maximum: 1 }),
  requestedAt: at,
  requestedBy: Type.String(),
  endedAt: nullable(at),
  /** Why it failed, in words a plant engineer can act on. */
  problem: nullable(Type.String()),
  /** The version that came out. */
  model: nullable(Type.String()),
  backTest: nullable(BackTest),
})
export type TrainingJobView = Static<typeof TrainingJobView>

/** GET /api/assets/:id/models */
export const AssetModels = Type.Object({
  models: Type.Array(ModelVersionView, { description: 'newest first' }),
  comparisons: Type.Array(ModelComparison),
  drift: nullable(DriftView),
  /** Null: watched for less than half an hour. */
  unjudged: nullable(UnjudgedView),
  job: nullable(TrainingJobView),
  retraining: Type.Object({
    /** Days between retrainings into shadow; null: not by schedule. */
    everyDays: nullable(Type.Integer({ minimum: 1, maximum: 365 })),
    onDrift: Type.Boolean(),
  }),
})
export type AssetModels = Static<typeof AssetModels>

/** POST /api/assets/:id/retraining */
export const RetrainingRequest = AssetModels.properties.retraining
export type RetrainingRequest = Static<typeof RetrainingRequest>

/** GET /api/models/:id: card in Markdown and the last back-test. */
export const ModelDetail = Type.Object({
  ...ModelVersionView.properties,
  card: Type.String(),
  backTest: nullable(BackTest),
})
export type ModelDetail = Static<typeof ModelDetail>

/** POST /api/models/:id/stage; roll-back is a retired version made active again. */
export const StageRequest = Type.Object({ stage: oneOf(modelStages), reason: text(1000, 3) })
export type StageRequest = Static<typeof StageRequest>

/** GET /api/assets/:id/training-proposal?from=…&to=… (default: all history, newest 90 days) */
export const TrainingProposal = Type.Object({
  periods: Type.Array(Period),
  excluded: Type.Array(Type.Object({ from: at, to: at, reason: Type.String() })),
  /** Complete rows in the periods at `periodMs`, and how many are wanted. */
  rows: Type.Integer(),
  rowsWanted: Type.Integer(),
  periodMs: Type.Number(),
  enough: Type.Boolean(),
  /** Tags that are left out, and why: e.g. they come too seldom for the grid. */
  without: Type.Optional(Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }))),
  /** Tags with few different values in the periods: each may tell the operating mode. */
  modeTags: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), values: Type.Array(Type.String()) })),
  ),
})
export type TrainingProposal = Static<typeof TrainingProposal>

/** POST /api/assets/:id/train → TrainingJobView; GET /api/training-jobs/:id; POST /api/training-jobs/:id/cancel */
export const TrainRequest = Type.Object({
  periods: Type.Array(Period, { minItems: 1, maxItems: 100 }),
  periodMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  /** Names of tags to leave out. */
  without: Type.Optional(Type.Array(Type.String(), { maxItems: 1000 })),
  /** A model for each value of this tag; null: one for all operation; left out: as the active version has it. */
  modeTag: Type.Optional(nullable(text(256, 1))),
  note: Type.Optional(text(1000)),
})
export type TrainRequest = Static<typeof TrainRequest>

/** POST /api/assets/:id/models: an ONNX file trained elsewhere; dry-run and calibrated before it is a version. */
export const UploadRequest = Type.Object({
  /**
   * `name`, `tags: [{ name }]` in the order of the input, `periodMs`; where needed `windowRows`, `outputs.score`, `column`,
   * `abnormal`. With `kind: remaining-life` it is one of remaining life (cloud/training/README.md).
   */
  manifest: Type.Object({}, { additionalProperties: true }),
  onnxBase64: Type.String({ maxLength: 48 * 1024 * 1024 }),
  /** Normal periods for calibration; a model of remaining life needs none. */
  periods: Type.Array(Period, { maxItems: 100 }),
})
export type UploadRequest = Static<typeof UploadRequest>

/** POST /api/alarms/:id/was-normal: the stretch becomes training data of the next version; a job is queued. */
export const WasNormalRequest = Type.Object({ note: text(1000, 3) })
export type WasNormalRequest = Static<typeof WasNormalRequest>

/** GET /api/scoreboard */
export const Scoreboard = Type.Object({
  rows: Type.Array(
    Type.Object({
      model: ModelVersionView,
      alarms: Type.Integer(),
      /** Came and went in planned maintenance; not among the others. */
      inMaintenance: Type.Integer(),
      useful: Type.Integer(),
      tooSensitive: Type.Integer(),
      noisyData: Type.Integer(),
      wrongData: Type.Integer(),
      /** useful / judged; null: nothing judged yet. */
      precision: nullable(Type.Number()),
      /** From the alarm to the moment the case calls the failure; null: none known. */
      medianLeadMs: nullable(Type.Number()),
      /** Cases of failures of this asset that no alarm of this model preceded. */
      missed: Type.Integer(),
      /** A threshold that the labels speak for; null: no case for a change. */
      proposal: nullable(
        Type.Object({ threshold: Type.Number(), factor: Type.Number(), why: Type.String() }),
      ),
    }),
  ),
})
export type Scoreboard = Static<typeof Scoreboard>

/** POST /api/models/:id/threshold: a factor on the trained threshold; recorded, reversible. */
export const ThresholdRequest = Type.Object({
  factor: Type.Number({ minimum: 0.2, maximum: 5 }),
  reason: text(1000, 3),
})
export type ThresholdRequest = Static<typeof ThresholdRequest>

/** GET /api/assets/:id/life */
export const LifeView = Type.Object({
  /** `life`: remaining life in time; `health`: an index only, 0 new and 1 worn out, because failures are too few. */
  items: Type.Array(
    Type.Object({
      what: Type.String({ description: 'the part or the asset, e.g. "cutter"' }),
      source: oneOf(['life', 'health', 'wear'] as const),
      at,
      health: nullable(Type.Number()),
      /** Expected end and its 90 % interval as instants; null: no number can be given. */
      end: nullable(Type.Object({ early: at, expected: at, late: nullable(at) })),
      text: Type.String({ description: 'in words, e.g. why there is no number' }),
      /** A work order is proposed from here on; null: not yet in sight. */
      orderBy: nullable(at),
    }),
  ),
})
export type LifeView = Static<typeof LifeView>
