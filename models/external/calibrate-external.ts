/** Makes a foreign ONNX model one of ours: checked in a dry run, its threshold found on normal data by the usual rule. */
import { Fault } from '../../protocol/kit/fault.ts'
import { type Manifest, sha256Hex } from '../manifest.ts'
import { quantile } from '../quantiles.ts'
import { createRows, findSegments, pickColumns, type Rows } from '../train/grid.ts'
import type { Folder } from '../train/model-folder.ts'
import { hashRows } from '../train/normal-rows.ts'
import { MIN_ROWS } from '../train/prepare.ts'
import { createScaling } from '../train/scaling.ts'
import type { Table } from '../train/table.ts'
import { MARGIN, QUANTILE } from '../train/threshold.ts'
import { type DryRunLimits, dryRun } from './dry-run.ts'
import { formatExternalCard } from './external-card.ts'
import { findShape, type ModelShape, refuse, type ShapeQuestion } from './model-shape.ts'

/** Windows per run of the dry run. */
const BATCH = 512
/** Enough to find a 99 % quantile in each block; evenly spread over the normal period. */
const MAX_WINDOWS = 20_000
const BLOCKS = 4
/** The same window alone and in a batch, and twice, must give the same score up to this part. */
const SAME = 1e-4
const GOLDEN = 5
/** Stands where the graph has no such output. */
const NONE = '(none)'
const DELAYS = { onDelayMs: 5000, offDelayMs: 10_000, peakClear: 0.1, deadband: 0.1 }

export interface ExternalModel extends ShapeQuestion {
  bytes: Uint8Array
  name: string
  /** One row every so many ms. */
  periodMs: number
  /** Whether a high or a low score is abnormal; IsolationForest's is low. */
  abnormal?: 'high' | 'low'
  units?: Readonly<Record<string, string>>
}

/** Throws Fault 'model.bad-file' for the model, 'model.not-trainable' for the normal data. */
export async function calibrateExternal(
  model: ExternalModel,
  normal: Table,
  { limits }: { limits?: DryRunLimits } = {},
): Promise<Folder> {
  const { bytes } = model
  const shape = findShape(await dryRun({ bytes, batches: [] }, { limits }), model)
  const rows = putOnGrid(model, normal)
  const ends = findEnds(rows, shape.windowRows)
  const short = `${ends.length} whole windows; ${MIN_ROWS} are needed`
  if (ends.length < MIN_ROWS)
    throw new Fault('model.not-trainable', { file: normal.file, problem: short })
  const scores = await scoreNormal({ bytes, shape, rows, ends }, limits)
  const sign = model.abnormal === 'low' ? -1 : 1
  const { base, threshold, share } = findThreshold(
    scores.map((score) => sign * score),
    normal.file,
  )
  const manifest = describe(model, {
    shape,
    rows,
    threshold,
    base: sign * base,
    share,
    windows: ends.length,
  })
  const golden = createGolden({ manifest, rows, ends, scores })
  return { bytes, manifest, card: formatExternalCard(manifest), golden }
}

function putOnGrid({ tags, periodMs }: ExternalModel, table: Table): Rows {
  const columns = tags.map((name) => {
    const column = table.names.indexOf(name)
    const problem = 'the model needs this column'
    if (column < 0)
      throw new Fault('table.invalid', { file: table.file, row: 1, column: name, problem })
    return column
  })
  const whole = createRows(table, periodMs)
  const problem = 'its time range is far too long for the period'
  if (!whole) throw new Fault('model.not-trainable', { file: table.file, problem })
  return pickColumns(whole, columns)
}

/** Last rows of whole windows, thinned evenly. */
function findEnds(rows: Rows, windowRows: number): number[] {
  const ends = findSegments(rows).flatMap(([from, to]) =>
    Array.from(
      { length: Math.max(0, to - from - windowRows + 1) },
      (_, i) => from + windowRows - 1 + i,
    ),
  )
  const every = Math.ceil(ends.length / MAX_WINDOWS)
  return ends.filter((_, i) => i % every === 0)
}

interface NormalRun {
  bytes: Uint8Array
  shape: ModelShape
  rows: Rows
  ends: readonly number[]
}

/** One score a window; refuses what is no number, changes from run to run, or depends on its neighbours in the batch. */
async function scoreNormal(
  { bytes, shape, rows, ends }: NormalRun,
  limits?: DryRunLimits,
): Promise<number[]> {
  const batchOf = (some: readonly number[]) => {
    const size = shape.windowRows * rows.width
    const values = new Float32Array(some.length * size)
    some.forEach((end, i) => {
      const from = (end - shape.windowRows + 1) * rows.width
      values.set(rows.values.subarray(from, from + size), i * size)
    })
    const dims = shape.flat ? [some.length, size] : [some.length, shape.windowRows, rows.width]
    return { values, dims, output: shape.score }
  }
  const batches = [batchOf(ends.slice(0, 1)), batchOf(ends.slice(0, BATCH))]
  for (let from = 0; from < ends.length; from += BATCH)
    batches.push(batchOf(ends.slice(from, from + BATCH)))
  const { scores: found } = await dryRun({ bytes, batches }, { limits })
  const [alone = [], again = [], ...rest] = found.map((values, i) =>
    pickColumn(values, batches[i]?.dims[0] ?? 1, shape),
  )
  const scores = rest.flat()
  const near = (a = Number.NaN, b = Number.NaN) =>
    Math.abs(a - b) <= SAME * Math.max(1, Math.abs(b))
  if (scores.length !== ends.length || !scores.every(Number.isFinite))
    throw refuse('it does not answer one finite number a window')
  if (!again.every((score, i) => near(score, scores[i])))
    throw refuse('the same input gives another score the second time')
  if (!near(alone[0], scores[0]))
    throw refuse('a window gives another score alone than among others')
  return scores
}

function pickColumn(values: readonly number[], rows: number, { column }: ModelShape): number[] {
  const columns = values.length / rows
  return Array.from({ length: rows }, (_, row) => values[row * columns + column] ?? Number.NaN)
}

/** From the middle of the normal scores: 1.15 × the way to the median over blocks of the block's 99 % quantile. */
function findThreshold(scores: readonly number[], file: string) {
  const base = quantile(scores, 0.5)
  const blocks = Array.from({ length: BLOCKS }, (_, block) =>
    scores.slice(
      Math.floor((scores.length * block) / BLOCKS),
      Math.floor((scores.length * (block + 1)) / BLOCKS),
    ),
  )
  const quantiles = blocks.map((block) => quantile(block, QUANTILE))
  const highest = scores.reduce((most, score) => Math.max(most, score), base)
  const reach = Math.max(quantile(quantiles, 0.5) - base, 0) || highest - base
  const problem = 'its score is the same on all normal rows: there is nothing to set a threshold by'
  if (!(reach > 0)) throw new Fault('model.not-trainable', { file, problem })
  const threshold = MARGIN * reach
  return {
    base,
    threshold,
    share: scores.filter((score) => score - base > threshold).length / scores.length,
  }
}

interface Found {
  shape: ModelShape
  rows: Rows
  threshold: number
  base: number
  share: number
  windows: number
}

function describe(model: ExternalModel, found: Found): Manifest {
  const { shape, rows, threshold, base, share, windows } = found
  const { mean, scale } = createScaling(rows, findSegments(rows))
  const { units = {} } = model
  return {
    name: model.name,
    version: 1,
    kind: 'external',
    tags: model.tags.map((name, i) => ({
      name,
      ...(Object.hasOwn(units, name) ? { unit: units[name] } : {}),
      mean: mean[i] ?? 0,
      scale: scale[i] ?? 1,
    })),
    setAside: [],
    periodMs: rows.periodMs,
    windowRows: shape.windowRows,
    input: shape.input,
    outputs: { score: shape.score, ratio: NONE, contributions: NONE },
    external: { base, abnormal: model.abnormal ?? 'high', column: shape.column },
    threshold,
    ...DELAYS,
    training: { rows: windows, from: rows.startAt || null, hash: hashRows(rows.values), seed: 0 },
    metrics: { normalAboveShare: share },
    files: { 'model.onnx': sha256Hex(model.bytes) },
  }
}

interface GoldenSource {
  manifest: Manifest
  rows: Rows
  ends: readonly number[]
  scores: readonly number[]
}

/** What the model answered here, so that another machine or runtime can be checked against it. */
function createGolden({ manifest, rows, ends, scores }: GoldenSource): Folder['golden'] {
  const { windowRows, threshold, external } = manifest
  const { base = 0, abnormal } = external ?? {}
  const every = Math.max(1, Math.floor(ends.length / GOLDEN))
  const vectors = ends.flatMap((end, i) => {
    if (i % every !== 0 || i >= every * GOLDEN) return []
    const window = Array.from({ length: windowRows }, (_, row) => {
      const from = (end - windowRows + 1 + row) * rows.width
      return Array.from(rows.values.subarray(from, from + rows.width))
    })
    const score = scores[i] ?? 0
    const ratio = ((abnormal === 'low' ? -1 : 1) * (score - base)) / threshold
    return [{ window, score, ratio, contributions: [] }]
  })
  return { tolerance: 1e-3, vectors }
}
