/** Trains remaining life on run-to-failure histories and writes its folder; with too few failures, a health index. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { Fault } from '../../../protocol/kit/fault.ts'
import { sha256Hex } from '../../manifest.ts'
import { createValues, type Values } from '../../session.ts'
import { writeFeatureFolder } from '../feature-folder.ts'
import { checkFeatureModel, type Expectation } from '../feature-session.ts'
import { createHealthFeatures, fitHealthModel, measureHealth } from './health-index.ts'
import { findLivelyTags, type Histories, pickTags, readHistories } from './histories.ts'
import { formatLifeCard } from './life-card.ts'
import { createFeatures, nameFeatures } from './life-features.ts'
import { encodeHealth, encodeLife, HEALTH_OUTPUTS, INPUT_NAME, LIFE_OUTPUTS } from './life-graph.ts'
import type { LifeManifest } from './life-manifest.ts'
import { CAP_ROWS, estimateLife, fitLifeModel } from './life-model.ts'
import type { Ridge } from './random-feature-ridge.ts'

/** Fewer run-to-failure histories than this give no number: nobody could say how wrong it is. */
export const MIN_HISTORIES = 20
/** The sums of the fit grow with the square of the features. */
const MAX_TAGS = 100
/** Rows that the written graph is checked on, spread over all lives. */
const CHECKED_ROWS = 2000

const FEATURE_RULE =
  'Rows of a unit are averaged in steps of `step` from its first row on. mean10, mean30, mean80: mean of the last 10, 30, ' +
  '80 steps; slope80: least-squares slope per step over the last 80; spread30: standard deviation of the last 30; start: ' +
  'mean of the first 20; age: steps since the first row, 1 at the first (0 in a health index). Empty steps are left out; a ' +
  'feature without any value is its `fill`.'

export interface TrainLifeOptions {
  /** Table of histories that all end with the failure: `.csv`, `.csv.gz` or `.parquet`. */
  in: string
  out: string
  unitColumn: string
  timeColumn: string
  seed: number
  name?: string
}

export interface TrainLifeResult {
  manifest: LifeManifest
  /** Largest difference between the written graph and the trainer, relative above 1. */
  difference: number
}

interface Trained {
  kind: LifeManifest['kind']
  ridge: Ridge
  metrics: Record<string, number>
  outputs: Record<string, string>
  encode: (metadata: Record<string, string>) => Uint8Array
  /** Features of every n-th row of all lives, as the graph gets them; the answer has one number per output. */
  sample: Float64Array
  answer: (features: Float64Array) => readonly number[]
}

/** Throws Fault 'table.invalid', 'model.not-trainable' or 'model.unfaithful'; same input, same bytes. */
export async function trainLife(options: TrainLifeOptions): Promise<TrainLifeResult> {
  const histories = await readLivelyHistories(options)
  const name = options.name ?? basename(options.out)
  const isLife = histories.lives.length >= MIN_HISTORIES
  const trained = (isLife ? trainRemainingLife : trainHealth)(histories, {
    name,
    seed: options.seed,
  })
  const hash = hashLives(histories)
  const bytes = trained.encode({ name, tags: JSON.stringify(histories.tags), trainingHash: hash })
  const manifest: LifeManifest = {
    name,
    version: 1,
    kind: trained.kind,
    unitColumn: options.unitColumn,
    timeColumn: options.timeColumn,
    timeUnit: histories.timeUnit,
    step: histories.step,
    cap: CAP_ROWS * histories.step,
    tags: histories.tags,
    features: nameFeatures(histories.tags),
    featureRule: FEATURE_RULE,
    fill: Array.from(trained.ridge.mean),
    input: INPUT_NAME,
    ...(trained.ridge.exact ? { precision: 'float64' as const } : {}),
    outputs: trained.outputs,
    training: {
      units: histories.lives.length,
      rows: histories.lives.reduce((sum, { count }) => sum + count, 0),
      hash,
      seed: options.seed,
    },
    metrics: trained.metrics,
    files: { 'model.onnx': sha256Hex(bytes) },
  }
  const answers = expect(trained)
  const outputs = Object.values(trained.outputs)
  const model = { bytes, input: INPUT_NAME, outputs, precision: manifest.precision }
  // A step is a second or a day: faithful is what is within a thousandth of it.
  const expectation = isLife ? { ...answers, size: histories.step } : answers
  const difference = await checkFeatureModel(model, expectation)
  await writeFeatureFolder(options.out, {
    bytes,
    manifest,
    card: formatLifeCard(manifest),
    expectation,
  })
  return { manifest, difference }
}

async function readLivelyHistories(options: TrainLifeOptions): Promise<Histories> {
  const { in: file, unitColumn: unit, timeColumn: time } = options
  const whole = await readHistories({ file, unit, time })
  const histories = pickTags(whole, findLivelyTags(whole))
  const count = histories.tags.length
  const problem =
    count === 0
      ? 'no column changes'
      : `${count} columns change; at most ${MAX_TAGS} are taken, leave out the ones that do not wear`
  if (count === 0 || count > MAX_TAGS) throw new Fault('model.not-trainable', { file, problem })
  if (histories.lives.every((life) => life.count === 1)) {
    const single = `every value of ${unit} has a single row: a history has many, the last one at the failure`
    throw new Fault('model.not-trainable', { file, problem: single })
  }
  return histories
}

interface Named {
  name: string
  seed: number
}

function trainRemainingLife({ lives, step }: Histories, { name, seed }: Named): Trained {
  const { model, metrics } = fitLifeModel(lives, { seed })
  return {
    kind: 'remaining-life',
    ridge: model.ridge,
    metrics: {
      cvRMSE: metrics.rmse * step,
      coverage90: metrics.coverage90,
      meanWidth: metrics.width * step,
      folds: metrics.folds,
    },
    outputs: LIFE_OUTPUTS,
    encode: (metadata) => encodeLife(model, { name, step, metadata }),
    sample: sampleFeatures(
      lives.map((life) => createFeatures(life)),
      model.ridge,
    ),
    answer: (features) => {
      const { rul, low, high } = estimateLife(model, features)
      return [rul * step, low * step, high * step]
    },
  }
}

function trainHealth({ lives, step }: Histories, { name, seed }: Named): Trained {
  const model = fitHealthModel(lives, seed)
  return {
    kind: 'health-index',
    ridge: model.ridge,
    metrics: {},
    outputs: HEALTH_OUTPUTS,
    encode: (metadata) => encodeHealth(model, { name, step, metadata }),
    sample: sampleFeatures(
      lives.map((life) => createHealthFeatures(life)),
      model.ridge,
    ),
    answer: (features) => Array.from(measureHealth(model, features)),
  }
}

/** Filled, and as narrow as the graph will get them. */
function sampleFeatures(tables: readonly Float64Array[], { mean, exact }: Ridge): Float64Array {
  const width = mean.length
  const rows = tables.reduce((sum, table) => sum + table.length, 0) / width
  const every = Math.max(1, Math.ceil(rows / CHECKED_ROWS))
  const chosen = tables.flatMap((table) =>
    Array.from({ length: Math.ceil(table.length / width / every) }, (_, i) =>
      table.subarray(i * every * width, (i * every + 1) * width),
    ),
  )
  const precision = exact ? ('float64' as const) : undefined
  const sample = new Float64Array(chosen.length * width)
  chosen.forEach((row, i) => {
    sample.set(fillFeatures(row, { fill: mean, precision }), i * width)
  })
  return sample
}

/** As the model takes them, with the training mean where a feature could not be measured. */
export function fillFeatures(
  features: Float64Array,
  { fill, precision }: { fill: ArrayLike<number>; precision?: 'float64' },
): Values {
  const filled = createValues({ precision }, features.length)
  features.forEach((value, i) => {
    filled[i] = Number.isNaN(value) ? (fill[i % fill.length] ?? 0) : value
  })
  return filled
}

/** The trainer's answers for the sample, output by output. */
function expect({ sample, answer, outputs, ridge }: Trained): Expectation {
  const width = ridge.mean.length
  const rows = sample.length / width
  const answers = Array.from({ length: rows }, (_, i) =>
    answer(sample.subarray(i * width, (i + 1) * width)),
  )
  const expected = Object.values(outputs).map((_, output) =>
    answers.map((own) => own[output] ?? Number.NaN),
  )
  return { features: sample, rows, expected }
}

function hashLives({ lives }: Histories): string {
  const hash = createHash('sha256')
  for (const { values } of lives) hash.update(new Uint8Array(values.buffer))
  return hash.digest('hex')
}
