/** Tries a model of remaining life on the machine it is meant for: opened in a thread with limits, asked about the life so far. */
import { Fault } from '../../protocol/kit/fault.ts'
import { sha256Hex } from '../manifest.ts'
import { createValues } from '../session.ts'
import { createHealthFeatures } from '../train/rul/health-index.ts'
import { formatLifeCard } from '../train/rul/life-card.ts'
import type { Life } from '../train/rul/life-features.ts'
import {
  createLifeInput,
  HELD_STEPS,
  type LifeInput,
  readLifeAnswer,
} from '../train/rul/life-input.ts'
import type { LifeManifest } from '../train/rul/life-manifest.ts'
import { fillFeatures } from '../train/rul/train-life.ts'
import { type DryRunLimits, dryRun } from './dry-run.ts'
import { formatForeignLifeCard } from './external-card.ts'
import type { ForeignLife, LifeUpload } from './life-upload.ts'
import { findShape, refuse } from './model-shape.ts'

/** Moments of the life that it is asked about, evenly spread. */
const MAX_MOMENTS = 50
/** The same question twice must give the same answer up to this part. */
const SAME = 1e-4

export interface TriedLife {
  manifest: LifeManifest
  card: string
  /** What it says of the machine at the moments it was asked about, in hours; empty: the life is too short yet. */
  answers: number[]
}

/** Throws Fault 'model.bad-file' for the model, 'model.not-trainable' for a machine of which nothing was read. */
export async function tryLife(
  { bytes, upload }: { bytes: Uint8Array; upload: LifeUpload },
  life: Life,
  limits?: DryRunLimits,
): Promise<TriedLife> {
  const manifest =
    'own' in upload
      ? checkHash(upload.own, bytes)
      : await describe(upload.foreign, { bytes, life, limits })
  const usual = createUsual(manifest)
  const asked = findMoments(manifest, life)
  const numbers = await ask({ bytes, manifest, inputs: [usual, usual, ...asked] }, limits)
  const [first, again, ...rest] = numbers
  if (!isNear(first ?? [], again ?? [])) throw refuse('the same input gives another answer again')
  const answers = rest.map(([value = Number.NaN]) => value)
  const notes = 'foreign' in upload ? upload.foreign.notes : undefined
  const card =
    'own' in upload ? formatLifeCard(manifest) : formatForeignLifeCard(manifest, answers, notes)
  return { manifest, card, answers }
}

function checkHash(manifest: LifeManifest, bytes: Uint8Array): LifeManifest {
  if (sha256Hex(bytes) === manifest.files['model.onnx']) return manifest
  throw refuse('its SHA-256 is not the one in the manifest')
}

async function describe(
  given: ForeignLife,
  { bytes, life, limits }: { bytes: Uint8Array; life: Life; limits?: DryRunLimits },
): Promise<LifeManifest> {
  const tags = given.tags.map(({ name }) => name)
  const ports = await dryRun({ bytes, batches: [] }, { limits })
  const shapeOf = (score: string | undefined) => {
    const shape = findShape(ports, { tags, score, windowRows: given.windowRows })
    if (shape.column === 0) return shape
    throw refuse(`its output ${shape.score} has ${shape.column + 1} columns; one number is needed`)
  }
  const { rul, low, high } = given.outputs ?? {}
  const shape = shapeOf(rul)
  const ends = low !== undefined && high !== undefined
  const { stepHours: step, capHours: cap, hoursPerUnit = 1, errorHours: error } = given
  return {
    ...{ name: given.name, version: 1, kind: 'remaining-life', timeUnit: 'h', step, cap, tags },
    ...{ unitColumn: 'unit', timeColumn: 'time', features: tags, fill: meansOf(life, tags) },
    featureRule: `The last ${shape.windowRows} steps of the tags, the newest last; an empty step has the value before it, for ${HELD_STEPS} steps at most.`,
    input: shape.input,
    outputs: {
      rul: shape.score,
      ...(ends && { low: shapeOf(low).score, high: shapeOf(high).score }),
    },
    external: {
      ...{ windowRows: shape.windowRows, flat: shape.flat, hoursPerUnit },
      ...(!ends && error && { error }),
    },
    // What it learned from is not here: the hash is of nothing.
    training: { ...given.trainedOn, hash: '0'.repeat(64), seed: 0 },
    metrics: {},
    files: { 'model.onnx': sha256Hex(bytes) },
  }
}

/** What stands for a step of which nothing was read. */
function meansOf({ values, width, count }: Life, tags: readonly string[]): number[] {
  return tags.map((name, tag) => {
    let sum = 0
    let known = 0
    for (let row = 0; row < count; row++) {
      const cell = values[row * width + tag] ?? Number.NaN
      if (Number.isNaN(cell)) continue
      sum += cell
      known++
    }
    if (known > 0) return sum / known
    const problem = `nothing of "${name}" was read yet`
    throw new Fault('model.not-trainable', { file: 'the history', problem })
  })
}

/** A machine on which everything is as usual. */
function createUsual({ external, fill, features, precision }: LifeManifest): LifeInput {
  const rows = external?.windowRows ?? 1
  const size = external ? fill.length : features.length
  const values = createValues({ precision }, rows * size).map((_, i) => fill[i % size] ?? 0)
  const isCube = external?.windowRows !== undefined && !external.flat
  return { values, shape: isCube ? [1, rows, size] : [1, values.length] }
}

/** The life as it was at some of its steps. */
function findMoments(manifest: LifeManifest, life: Life): LifeInput[] {
  const every = Math.max(1, Math.ceil(life.count / MAX_MOMENTS))
  const counts = Array.from({ length: Math.floor(life.count / every) }, (_, i) => (i + 1) * every)
  return counts.flatMap((count): LifeInput[] => {
    const until = { ...life, count, values: life.values.subarray(0, count * life.width) }
    if (manifest.kind === 'health-index') {
      const values = fillFeatures(createHealthFeatures(until, 1), manifest)
      return [{ values, shape: [1, values.length] }]
    }
    const input = createLifeInput(manifest, until)
    return 'problem' in input ? [] : [input]
  })
}

interface Question {
  bytes: Uint8Array
  manifest: LifeManifest
  inputs: readonly LifeInput[]
}

/** For each input the life and the ends of its interval, or the health. Refuses what is no number or no interval. */
async function ask({ bytes, manifest, inputs }: Question, limits?: DryRunLimits) {
  const names = Object.values(manifest.outputs)
  const batches = inputs.flatMap(({ values, shape }) =>
    names.map((output) => ({ values, dims: shape, output })),
  )
  const { scores } = await dryRun({ bytes, batches }, { limits })
  return inputs.map((_, i) => {
    const numberOf = (name: string) =>
      scores[i * names.length + names.indexOf(name)]?.[0] ?? Number.NaN
    const answer =
      manifest.kind === 'health-index'
        ? [numberOf(names[0] ?? '')]
        : Object.values(readLifeAnswer(manifest, numberOf))
    if (!answer.every(Number.isFinite)) throw refuse('it does not answer a finite number each time')
    const [rul = 0, low = rul, high = rul] = answer
    if (low > rul || high < rul) throw refuse('its answer lies outside of its own interval')
    return answer
  })
}

function isNear(one: readonly number[], other: readonly number[]): boolean {
  return one.every((value, i) => Math.abs(value - (other[i] ?? 0)) <= SAME * Math.max(1, value))
}
