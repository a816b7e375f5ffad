/** Trains a model of failure modes from labelled windows: judged by cases held out, refused when it is no better than luck. */
import { Fault } from '../../../protocol/kit/fault.ts'
import { sha256Hex } from '../../manifest.ts'
import { createGolden } from '../feature-folder.ts'
import { checkFeatureModel, type Expectation } from '../feature-session.ts'
import { predictShares } from '../trees/boosted-trees.ts'
import { formatFailureCard } from './failure-card.ts'
import { encodeFailures, INPUT_NAME, OUTPUT_NAMES } from './failure-graph.ts'
import type { FailureManifest } from './failure-manifest.ts'
import { type FittedFailures, fitFailures, tableOf } from './fit-failures.ts'
import { findLuck, type Judgement, judgeFailures } from './judge-failures.ts'
import { type Example, findDistances } from './reference-distance.ts'
import { NORMAL } from './verdict.ts'
import { nameWindowFeatures, type OwnNormal, WINDOW_FEATURE_RULE, WINDOW_ROWS } from './windows.ts'

/** A result that luck alone reaches in one of ten trainings is none. */
const MOST_LUCK = 0.1
/** Share of the progress that judging takes. */
const JUDGE_SHARE = 0.9

export interface FailureTable {
  name: string
  tags: readonly string[]
  periodMs: number
  /** Names of the modes: class 1, 2, …; class 0 is normal operation. */
  modes: readonly string[]
  examples: readonly Example[]
  /** Of the machine that it is for, feature by feature. */
  normal: readonly OwnNormal[]
  seed: number
  /** For the card: where the cases are from. */
  notes: string
}

export interface TrainedFailures {
  manifest: FailureManifest
  bytes: Uint8Array
  card: string
  golden: object
  /** Largest difference between the written graph and the trainer. */
  difference: number
}

/** Throws Fault 'model.not-trainable' or 'model.unfaithful'; same windows, same bytes. */
export async function trainFailures(
  table: FailureTable,
  onProgress: (phase: string, share: number) => void = () => {},
): Promise<TrainedFailures> {
  const { examples, modes, seed, name } = table
  const classes = modes.length + 1
  const judgement = judgeFailures(examples, {
    ...{ classes, seed },
    onProgress: (share) => onProgress('cases held out', share * JUDGE_SHARE),
  })
  refuseLuck(table, judgement)
  onProgress('fitting', JUDGE_SHARE)
  const fitted = fitFailures(examples, { classes, seed })
  const hash = hashOf(examples)
  const metadata = { name, modes: JSON.stringify(modes), trainingHash: hash }
  const bytes = encodeFailures(fitted, { name, metadata })
  const expectation = expect(fitted, examples)
  const outputs = Object.values(OUTPUT_NAMES)
  const difference = await checkFeatureModel({ bytes, input: INPUT_NAME, outputs }, expectation)
  const manifest = describe(table, { judgement, hash, bytes })
  const card = formatFailureCard(manifest, table.notes)
  return { manifest, bytes, card, golden: createGolden(outputs, expectation), difference }
}

function refuseLuck({ name, modes }: FailureTable, judgement: Judgement): void {
  const { cases, right, majority, confusion } = judgement
  if (findLuck(judgement) <= MOST_LUCK) return
  const sizes = confusion.slice(1).map((row) => row.reduce((sum, one) => sum + one, 0))
  const most = modes[sizes.indexOf(Math.max(...sizes))]
  const problem =
    `${right} of ${cases} cases held out were named rightly, ` +
    `always naming "${most}" would reach ${Math.round(majority * cases)}: that is no better than luck`
  throw new Fault('model.not-trainable', { file: name, problem })
}

/** What the trainer itself says of its windows. */
function expect(fitted: FittedFailures, examples: readonly Example[]): Expectation {
  const table = tableOf(examples)
  const { references, limits } = fitted
  const strangeness = examples.flatMap(({ features }) =>
    findDistances(references, features).map((one, label) => one / (limits[label] ?? 1)),
  )
  const expected = [predictShares(fitted.trees, table), strangeness]
  return { features: table.values, rows: table.rows, expected }
}

function describe(
  table: FailureTable,
  { judgement, hash, bytes }: { judgement: Judgement; hash: string; bytes: Uint8Array },
): FailureManifest {
  const { examples, modes, tags, periodMs, seed } = table
  const { confusion, cases, right, majority, leastShare, unseen, unseenNamed } = judgement
  const classes = ['', ...modes].map((name, label) => {
    const own = examples.filter((one) => one.label === label)
    const named = confusion.reduce((sum, row) => sum + (row[label] ?? 0), 0)
    const trust = ((confusion[label]?.[label] ?? 0) + 1) / (named + 2)
    const stretches = new Set(own.map(({ stretch }) => stretch)).size
    return { name, cases: stretches, windows: own.length, trust }
  })
  return {
    ...{ name: table.name, version: 1, kind: 'failures', tags: [...tags], periodMs },
    ...{ windowRows: WINDOW_ROWS, features: nameWindowFeatures(tags) },
    ...{ featureRule: WINDOW_FEATURE_RULE, normal: [...table.normal] },
    ...{ input: INPUT_NAME, outputs: { ...OUTPUT_NAMES }, classes, leastShare, confusion },
    training: { windows: examples.length, hash, seed },
    metrics: {
      ...{ cvAccuracy: right / Math.max(1, cases), majority, cases, right, unseen, unseenNamed },
      normalNamed: confusion[NORMAL]?.slice(1, -1).reduce((sum, one) => sum + one, 0) ?? 0,
    },
    files: { 'model.onnx': sha256Hex(bytes) },
  }
}

/** Of labels and features, window by window. */
function hashOf(examples: readonly Example[]): string {
  const { values } = tableOf(examples)
  const labels = Float32Array.from(examples, ({ label }) => label)
  const all = new Uint8Array(values.byteLength + labels.byteLength)
  all.set(new Uint8Array(labels.buffer))
  all.set(new Uint8Array(values.buffer), labels.byteLength)
  return sha256Hex(all)
}
