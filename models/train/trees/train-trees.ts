/** Trains trees on cycles with a known state and writes their folder: model, manifest, card. */
import { basename } from 'node:path'
import { Fault } from '../../../protocol/kit/fault.ts'
import { sha256Hex } from '../../manifest.ts'
import { writeFeatureFolder } from '../feature-folder.ts'
import { checkFeatureModel } from '../feature-session.ts'
import type { FeatureTable } from './bins.ts'
import {
  dealFolds,
  FOLDS,
  findAccuracy,
  findBlocks,
  findMajority,
  predictHeldOut,
} from './blocked-folds.ts'
import { fitBoostedTrees, predictShares } from './boosted-trees.ts'
import { CYCLE_FEATURE_RULE, nameCycleFeatures } from './cycle-features.ts'
import { type Cycles, readCycles } from './cycles.ts'
import { formatTreeCard } from './tree-card.ts'
import { encodeTrees, INPUT_NAME, OUTPUT_NAMES } from './tree-graph.ts'
import type { TreeManifest } from './tree-manifest.ts'

/** Fewer examples of a state are a story, not a pattern. */
const MIN_PER_CLASS = 5
/** More states than this are a measured value, not a label. */
const MAX_CLASSES = 32

export interface TrainTreesOptions {
  /** Table of samples: `.csv`, `.csv.gz` or `.parquet`; the rows of one unit are one cycle. */
  in: string
  out: string
  unitColumn: string
  timeColumn: string
  /** State of the cycle; cycles without one are left out. */
  labelColumn: string
  seed: number
  name?: string
}

export interface TrainTreesResult {
  manifest: TreeManifest
  /** Largest difference between the written graph and the trainer. */
  difference: number
}

/** Throws Fault 'table.invalid', 'model.not-trainable' or 'model.unfaithful'; same input, same bytes. */
export async function trainTrees(options: TrainTreesOptions): Promise<TrainTreesResult> {
  const { in: file, unitColumn: unit, timeColumn: time, labelColumn: label, seed } = options
  const cycles = keepLabelled(await readCycles({ file, unit, time, label }))
  const { table } = cycles
  const classes = findClasses(cycles)
  const labels = Int32Array.from(cycles.labels, (own) => classes.indexOf(own))
  const folds = dealFolds(findBlocks(cycles.labels), seed)
  const heldOut = predictHeldOut({ table, labels, folds }, { seed })
  const model = fitBoostedTrees(table, labels, { seed })
  const name = options.name ?? basename(options.out)
  const hash = sha256Hex(new Uint8Array(table.values.buffer))
  const metadata = { name, classes: JSON.stringify(classes), trainingHash: hash }
  const bytes = encodeTrees(model, { name, width: table.width, metadata })
  const outputs = [OUTPUT_NAMES.shares]
  const expected = [predictShares(model, table)]
  const expectation = { features: table.values, rows: table.rows, expected }
  const difference = await checkFeatureModel({ bytes, input: INPUT_NAME, outputs }, expectation)
  const metrics = {
    folds: FOLDS,
    cvAccuracy: findAccuracy(heldOut, labels),
    majorityAccuracy: findMajority(labels),
    ...Object.fromEntries(
      classes.map((own, k) => [`recall ${own}`, findRecall(heldOut, labels, k)]),
    ),
  }
  const training = { units: table.rows, rows: cycles.rows, hash, seed }
  const manifest = describe(options, { cycles, classes, name, metrics, training, bytes })
  await writeFeatureFolder(options.out, {
    bytes,
    manifest,
    card: formatTreeCard(manifest),
    expectation,
  })
  return { manifest, difference }
}

type Trained = Pick<TreeManifest, 'classes' | 'name' | 'metrics' | 'training'> & {
  cycles: Cycles
  bytes: Uint8Array
}

function describe(
  options: TrainTreesOptions,
  { cycles, bytes, ...trained }: Trained,
): TreeManifest {
  return {
    name: trained.name,
    version: 1,
    kind: 'labelled-failures',
    unitColumn: options.unitColumn,
    timeColumn: options.timeColumn,
    labelColumn: options.labelColumn,
    tags: cycles.tags,
    parts: cycles.parts,
    features: nameCycleFeatures(cycles.tags, cycles.parts),
    featureRule: CYCLE_FEATURE_RULE,
    classes: trained.classes,
    input: INPUT_NAME,
    outputs: OUTPUT_NAMES,
    training: trained.training,
    metrics: trained.metrics,
    files: { 'model.onnx': sha256Hex(bytes) },
  }
}

/** Cycles without a label are left out. */
function keepLabelled(cycles: Cycles): Cycles {
  const kept = cycles.labels.map((_, i) => i).filter((i) => cycles.labels[i] !== '')
  const pick = (list: readonly string[]) => kept.map((i) => list[i] ?? '')
  const { width, values } = cycles.table
  const table: FeatureTable = {
    rows: kept.length,
    width,
    values: new Float32Array(kept.length * width),
  }
  kept.forEach((i, row) => {
    table.values.set(values.subarray(i * width, (i + 1) * width), row * width)
  })
  return { ...cycles, units: pick(cycles.units), labels: pick(cycles.labels), table }
}

/** The labels, numbers in their order, words by the alphabet. */
function findClasses({ file, labels, tags }: Cycles): string[] {
  const refuse = (problem: string) => new Fault('model.not-trainable', { file, problem })
  if (tags.length === 0) throw refuse('there is no column beside unit, time and label')
  const classes = [...new Set(labels)].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
  if (classes.length < 2) throw refuse(`${classes.length} state(s) in the labels; two are needed`)
  if (classes.length > MAX_CLASSES)
    throw refuse(`${classes.length} different labels; at most ${MAX_CLASSES} are taken`)
  for (const name of classes) {
    const count = labels.filter((label) => label === name).length
    if (count < MIN_PER_CLASS)
      throw refuse(`"${name}" has ${count} cycle(s); ${MIN_PER_CLASS} are needed`)
  }
  return classes
}

function findRecall(said: Int32Array, labels: Int32Array, label: number): number {
  const own = said.filter((_, row) => labels[row] === label)
  return own.filter((one) => one === label).length / Math.max(1, own.length)
}
