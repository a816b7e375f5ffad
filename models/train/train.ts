/** Trains a detector on a table of normal operation and writes its folder: model, manifest, card, golden vectors. */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { type Manifest, sha256Hex } from '../manifest.ts'
import { formatCard } from './card.ts'
import { chooseLags, type Detector, fitDetector, scoreSegments, windowRows } from './detector.ts'
import { encodeDetector, INPUT_NAME, OUTPUT_NAMES } from './detector-graph.ts'
import { checkFaithful } from './faithful.ts'
import { createGolden, type Golden } from './golden.ts'
import { createRows, findPeriod, findSegments, pickColumns } from './grid.ts'
import { findResolutions, findSlowDrift, findTimingSteps } from './scaling.ts'
import { readTable } from './table.ts'
import { type Calibration, calibrate } from './threshold.ts'

/** Fewer rows of normal operation than this say nothing about what is normal. */
export const MIN_ROWS = 300
const ON_DELAY_MS = 5000
const OFF_DELAY_MS = 10_000
/** Fast processes ring down slowly from a hard fault: clear at a tenth of the peak. */
const PEAK_CLEAR = 0.1
const PEAK_CLEAR_BELOW_MS = 10_000

export interface TrainOptions {
  /** Table of normal operation, `.csv` or `.csv.gz`. */
  in: string
  /** Folder to write, made when it is not there. */
  out: string
  timeColumn?: string
  /** Grid step; found from the time column when left out. */
  periodMs?: number
  seed: number
  /** Live step per tag, in the tag's unit, where it is coarser than the file's. */
  resolution?: Readonly<Record<string, number>>
  /**
   * How far live rows are torn: 0 (default) when all tags are sampled together and on time as in the file, 1 when any
   * value may be one row off.
   */
  timing?: number
  /** Tags that stay although they drift slowly: a person knows that their level matters. */
  keep?: readonly string[]
  units?: Readonly<Record<string, string>>
  name?: string
  /** Said in the card under "Data". */
  notes?: string
  log?: Log
}

export interface TrainResult {
  manifest: Manifest
  /** Largest difference between the written graph and the trainer, relative above 1. */
  difference: number
}

/** Throws Fault 'table.invalid', 'model.not-trainable' or 'model.unfaithful'; same input, same bytes. */
export async function runTrain(options: TrainOptions): Promise<TrainResult> {
  const prepared = await prepare(options)
  const { rows, segments, names, resolutions, refuse } = prepared
  const lags = chooseLags(prepared.complete, names.length)
  const calibration = calibrate(rows, segments, { lags, resolutions })
  if (!calibration) throw refuse('no stretch without gaps is long enough for one window')
  options.log?.info({ rows: prepared.complete, tags: names.length, lags }, 'threshold calibrated')
  const detector = fitDetector(rows, segments, { lags, resolutions })
  const { threshold } = calibration
  const { ends } = scoreSegments(detector, rows, segments)
  const { bytes, manifest } = describe(options, { prepared, detector, calibration })
  const golden = createGolden({ detector, rows, ends, threshold, seed: options.seed })
  const difference = await checkFaithful({ bytes, manifest, detector, rows, ends, golden })
  const card = formatCard({ manifest, lags, resolutions, notes: options.notes })
  await writeFolder(options.out, { bytes, manifest, card, golden })
  options.log?.info({ out: options.out, threshold, difference }, 'model written')
  return { manifest, difference }
}

interface Fitted {
  prepared: Prepared
  detector: Detector
  calibration: Calibration
}

/** The model's bytes and its manifest. */
function describe(options: TrainOptions, { prepared, detector, calibration }: Fitted) {
  const { rows, names } = prepared
  const { threshold, quantiles } = calibration
  const name = options.name ?? basename(options.out)
  const hash = sha256Hex(new Uint8Array(rows.values.buffer))
  const tags = JSON.stringify(names)
  const metadata = { name, tags, trainingHash: hash, threshold: `${threshold}` }
  const bytes = encodeDetector(detector, threshold, metadata)
  const manifest: Manifest = {
    name,
    version: 1,
    kind: 'multivariate',
    tags: describeTags(names, detector, options.units ?? {}),
    setAside: prepared.setAside.map((tag) => ({ name: tag, reason: 'slow-drift' })),
    periodMs: rows.periodMs,
    windowRows: windowRows(detector.lags),
    input: INPUT_NAME,
    outputs: OUTPUT_NAMES,
    threshold,
    onDelayMs: ON_DELAY_MS,
    offDelayMs: OFF_DELAY_MS,
    peakClear: rows.periodMs < PEAK_CLEAR_BELOW_MS ? PEAK_CLEAR : 0,
    training: { rows: prepared.complete, from: prepared.from, hash, seed: options.seed },
    metrics: {
      blocks: quantiles.length,
      heldOutFalseShare: calibration.falseShare,
      lowestBlockQuantile: Math.min(...quantiles),
      highestBlockQuantile: Math.max(...quantiles),
    },
    files: { 'model.onnx': sha256Hex(bytes) },
  }
  return { bytes, manifest }
}

type Prepared = Awaited<ReturnType<typeof prepare>>

/** The table on its grid, without the tags that drift. */
async function prepare(options: TrainOptions) {
  const table = await readTable(options.in, options.timeColumn)
  const refuse = (problem: string) =>
    new Fault('model.not-trainable', { file: options.in, problem })
  for (const name of [...Object.keys(options.resolution ?? {}), ...(options.keep ?? [])])
    if (!table.names.includes(name)) throw refuse(`${name} is spoken of, but is no column`)
  const whole = createRows(table, options.periodMs ?? findPeriod(table))
  if (!whole) throw refuse('its time range is far too long for the period')
  const drifting = findSlowDrift(whole, findSegments(whole))
  const slow = drifting.map((yes, i) => yes && !options.keep?.includes(table.names[i] ?? ''))
  const kept = table.names.map((_, i) => i).filter((i) => !slow[i])
  if (kept.length < 2) throw refuse(`${kept.length} tag(s) without slow drift; two are needed`)
  const rows = pickColumns(whole, kept)
  const segments = findSegments(rows)
  const complete = segments.reduce((sum, [from, to]) => sum + to - from, 0)
  if (complete < MIN_ROWS) throw refuse(`${complete} complete rows; ${MIN_ROWS} are needed`)
  const names = kept.map((i) => table.names[i] ?? '')
  const timing = findTimingSteps(rows, segments, options.timing ?? 0)
  const found = findResolutions(rows, segments)
  return {
    rows,
    segments,
    complete,
    names,
    resolutions: found.map((step, i) =>
      Math.max(options.resolution?.[names[i] ?? ''] ?? step, timing[i] ?? 0),
    ),
    setAside: table.names.filter((_, i) => slow[i]),
    from: table.at ? (table.at[0] ?? null) : null,
    refuse,
  }
}

function describeTags(names: string[], { mean, scale }: Detector, units: Record<string, string>) {
  return names.map((name, i) => ({
    name,
    ...(units[name] === undefined ? {} : { unit: units[name] }),
    mean: mean[i] ?? 0,
    scale: scale[i] ?? 1,
  }))
}

interface Folder {
  bytes: Uint8Array
  manifest: Manifest
  card: string
  golden: Golden
}

/** The manifest last: a folder with a manifest is whole. */
async function writeFolder(out: string, { bytes, manifest, card, golden }: Folder): Promise<void> {
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'model.onnx'), bytes)
  await writeFile(join(out, 'card.md'), card)
  await writeFile(join(out, 'golden.json'), `${JSON.stringify(golden)}\n`)
  await writeFile(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
