/** Trains detectors on a table in memory: what the command line, the console and retraining all call. */
import { formatCard, formatOneTagCard } from './card.ts'
import { chooseLags, type Detector, fitDetector } from './detector.ts'
import { encodeDetector } from './detector-graph.ts'
import { describeWander } from './drift.ts'
import { checkFaithful } from './faithful.ts'
import { createFiller, FILL_ROUNDS, fillRows } from './fill.ts'
import { fittedDetector, fittedOneTag } from './fitted.ts'
import { createGolden } from './golden.ts'
import { findRules } from './hard-rules.ts'
import { describeModel, type Trained } from './model-folder.ts'
import { encodeNormal } from './normal-rows.ts'
import { fitOneTag, ONE_TAG_ROWS } from './one-tag.ts'
import { encodeOneTag } from './one-tag-graph.ts'
import { describeGaps, MIN_ROWS, type Prepared, prepare, type Source } from './prepare.ts'
import type { Table } from './table.ts'
import { calibrate } from './threshold.ts'
import {
  reportPhase,
  type TableOptions,
  type TrainedFolder,
  type TrainedTable,
  type TrainRun,
} from './train-options.ts'

/**
 * Two tags or more that hold their level are watched together; a single tag, or tags that all drift, each by itself.
 * Throws Fault 'model.not-trainable' or 'model.unfaithful', and the signal's reason; same input, same bytes.
 */
export async function trainTable(
  table: Table,
  options: TableOptions,
  run: TrainRun = {},
): Promise<TrainedTable> {
  await reportPhase(run, `preparing ${table.names.length} tags`, 0)
  return await trainSource(prepare(table, options), options, run)
}

/** The same once the rows are on their grid. */
export async function trainSource(
  source: Source,
  options: TableOptions,
  run: TrainRun,
): Promise<TrainedTable> {
  const { together, alone } = source
  if (!together) return await trainAlone(options, source, run)
  const setAside = alone?.names ?? []
  const fit = await fitTogether(together, source, run)
  const result = await finish({ ...fit, setAside }, options, run)
  const drifting = await trainDrifting(source, options, run)
  return drifting ? { ...result, drifting } : result
}

/** The model of the tags that were set aside, where one is wanted and there is enough of them. */
export async function trainDrifting(
  source: Source,
  options: TableOptions,
  run: TrainRun,
): Promise<TrainedFolder | undefined> {
  const { alone } = source
  if (!options.drifting || !alone) return undefined
  if (!isEnoughAlone(alone)) {
    const { names: tags } = alone
    options.log?.warn({ tags }, 'too few rows without gaps to watch the drifting tags')
    return undefined
  }
  return await trainAlone({ ...options, name: `${options.name}-drifting` }, source, run)
}

function isEnoughAlone({ complete, segments }: Prepared): boolean {
  return complete >= MIN_ROWS && segments.some(([from, to]) => to - from >= ONE_TAG_ROWS)
}

type Fit = Omit<Trained, 'setAside'> & {
  card: (input: Parameters<typeof formatOneTagCard>[0]) => string
}

/** Detector D1 with its threshold. */
async function fitTogether(
  given: Prepared,
  { refuse, maxLags = Number.POSITIVE_INFINITY, isOwn, margin }: Source,
  run: TrainRun,
): Promise<Fit> {
  const { segments, complete, names, resolutions } = given
  if (complete < MIN_ROWS)
    throw refuse(`${complete} complete rows; ${MIN_ROWS} are needed${describeGaps(given)}`)
  const lags = Math.min(maxLags, chooseLags(complete, names.length))
  const prepared = fillPrepared(given, lags)
  const { rows } = prepared
  const known = { lags, resolutions, isOwn, margin }
  const calibration = await calibrate(rows, segments, { ...known, run })
  if (!calibration)
    throw refuse(`no stretch without gaps is long enough for one window${describeGaps(given)}`)
  const { threshold, quantiles, falseShare } = calibration
  await reportPhase(run, 'fitting all rows', 0.8)
  const detector = fitDetector(rows, segments, { lags, resolutions })
  return {
    kind: 'multivariate',
    prepared,
    fitted: fittedDetector(detector),
    threshold,
    metrics: {
      blocks: quantiles.length,
      heldOutFalseShare: falseShare,
      ...(margin === undefined ? {} : { margin }),
      lowestBlockQuantile: Math.min(...quantiles),
      highestBlockQuantile: Math.max(...quantiles),
    },
    drift: describeWander(rows, segments, detector),
    encode: (metadata) => encodeDetector(detector, threshold, metadata),
    card: (input) => formatCard({ ...input, lags }),
  }
}

/** Empty cells as the other tags let expect, the relations and the cells in turn. */
function fillPrepared(prepared: Prepared, lags: number): Prepared {
  if (!prepared.rows.empty?.includes(1)) return prepared
  const { segments, resolutions } = prepared
  let rows = prepared.rows
  for (let round = 0; round < FILL_ROUNDS; round++) {
    const detector: Detector = fitDetector(rows, segments, { lags, resolutions })
    rows = fillRows(prepared.rows, createFiller(detector), { lags })
  }
  return { ...prepared, rows }
}

/** Detector D2 for every tag there is, side by side in one model. */
async function trainAlone(
  options: TableOptions,
  { alone: prepared, withoutRules, refuse }: Source,
  run: TrainRun,
): Promise<TrainedFolder> {
  if (!prepared) throw refuse('no tag is left')
  const { rows, segments, complete, resolutions } = prepared
  if (complete < MIN_ROWS)
    throw refuse(`${complete} complete rows; ${MIN_ROWS} are needed${describeGaps(prepared)}`)
  await reportPhase(run, `fitting ${prepared.names.length} tags, each by itself`, 0.85)
  const detector = fitOneTag(rows, segments, resolutions)
  if (!detector) throw refuse(`no stretch of ${ONE_TAG_ROWS} rows without gaps`)
  const fitted = fittedOneTag(detector)
  const { scores } = fitted.score(rows, segments)
  const above = scores.filter(({ score }) => score > 1).length
  const trained = {
    kind: 'one-tag' as const,
    prepared,
    fitted,
    setAside: [],
    threshold: 1,
    metrics: { ownHistoryAboveShare: above / scores.length },
    ...(withoutRules ? {} : { rules: findRules(rows, segments) }),
    encode: (metadata: Readonly<Record<string, string>>) => encodeOneTag(detector, metadata),
    card: formatOneTagCard,
  }
  return await finish(trained, options, run)
}

/** Writes the graph and checks it against the trainer. */
async function finish(
  { card, ...trained }: Fit & { setAside: readonly string[] },
  options: TableOptions,
  run: TrainRun,
): Promise<TrainedFolder> {
  const { prepared, fitted: detector, threshold } = trained
  const { rows, segments, resolutions } = prepared
  await reportPhase(run, 'checking the written model', 0.9)
  const { ends } = detector.score(rows, segments)
  const { bytes, manifest } = describeModel(options, trained)
  const golden = createGolden({ detector, rows, ends, threshold, seed: options.seed })
  const difference = await checkFaithful({ bytes, manifest, detector, rows, ends, golden })
  const text = card({ manifest, resolutions, notes: options.notes })
  const normal = manifest.kind === 'multivariate' ? await encodeNormal(rows) : undefined
  await reportPhase(run, 'trained', 1)
  return { bytes, manifest, card: text, golden, normal, difference }
}
