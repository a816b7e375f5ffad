/** Trains detectors on a table of normal operation and writes their folders: model, manifest, card, golden vectors. */
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { formatCard, formatOneTagCard } from './card.ts'
import { chooseLags, fitDetector } from './detector.ts'
import { encodeDetector } from './detector-graph.ts'
import { checkFaithful } from './faithful.ts'
import { fittedDetector, fittedOneTag } from './fitted.ts'
import { createGolden } from './golden.ts'
import { findRules } from './hard-rules.ts'
import { describeModel, type Trained, writeFolder } from './model-folder.ts'
import { fitOneTag, ONE_TAG_ROWS } from './one-tag.ts'
import { encodeOneTag } from './one-tag-graph.ts'
import { MIN_ROWS, type Prepared, prepare, type Source } from './prepare.ts'
import { calibrate } from './threshold.ts'
import type { TrainOptions, TrainResult } from './train-options.ts'

/**
 * Two tags or more that hold their level are watched together; a single tag, or tags that all drift, each by itself.
 * Throws Fault 'table.invalid', 'model.not-trainable' or 'model.unfaithful'; same input, same bytes.
 */
export async function runTrain(options: TrainOptions): Promise<TrainResult> {
  const source = await prepare(options)
  const { together, alone } = source
  if (!together) return await trainAlone(options, source)
  const setAside = alone?.names ?? []
  const { prepared, ...trained } = fitTogether(together, source)
  const result = await finish(options, { ...trained, prepared, setAside })
  if (!options.drifting) return result
  const out = join(options.out, 'drifting')
  await rm(out, { recursive: true, force: true })
  if (!alone) return result
  if (!isEnoughAlone(alone)) {
    options.log?.warn({ tags: setAside }, 'too few rows without gaps to watch the drifting tags')
    return result
  }
  const name = `${options.name ?? basename(options.out)}-drifting`
  return { ...result, drifting: await trainAlone({ ...options, name, out }, source) }
}

function isEnoughAlone({ complete, segments }: Prepared): boolean {
  return complete >= MIN_ROWS && segments.some(([from, to]) => to - from >= ONE_TAG_ROWS)
}

type Fit = Omit<Trained, 'setAside'> & {
  card: (input: Parameters<typeof formatOneTagCard>[0]) => string
}

/** Detector D1 with its threshold. */
function fitTogether(prepared: Prepared, { refuse }: Source): Fit {
  const { rows, segments, complete, names, resolutions } = prepared
  if (complete < MIN_ROWS) throw refuse(`${complete} complete rows; ${MIN_ROWS} are needed`)
  const lags = chooseLags(complete, names.length)
  const calibration = calibrate(rows, segments, { lags, resolutions })
  if (!calibration) throw refuse('no stretch without gaps is long enough for one window')
  const { threshold, quantiles, falseShare } = calibration
  const detector = fitDetector(rows, segments, { lags, resolutions })
  return {
    kind: 'multivariate',
    prepared,
    fitted: fittedDetector(detector),
    threshold,
    metrics: {
      blocks: quantiles.length,
      heldOutFalseShare: falseShare,
      lowestBlockQuantile: Math.min(...quantiles),
      highestBlockQuantile: Math.max(...quantiles),
    },
    encode: (metadata) => encodeDetector(detector, threshold, metadata),
    card: (input) => formatCard({ ...input, lags }),
  }
}

/** Detector D2 for every tag there is, side by side in one model. */
async function trainAlone(options: TrainOptions, source: Source): Promise<TrainResult> {
  const { alone: prepared, refuse } = source
  if (!prepared) throw refuse('no tag is left')
  const { rows, segments, complete, resolutions } = prepared
  if (complete < MIN_ROWS) throw refuse(`${complete} complete rows; ${MIN_ROWS} are needed`)
  const detector = fitOneTag(rows, segments, resolutions)
  if (!detector) throw refuse(`no stretch of ${ONE_TAG_ROWS} rows without gaps`)
  const fitted = fittedOneTag(detector)
  const { scores } = fitted.score(rows, segments)
  const above = scores.filter(({ score }) => score > 1).length
  return await finish(options, {
    kind: 'one-tag',
    prepared,
    fitted,
    setAside: [],
    threshold: 1,
    metrics: { ownHistoryAboveShare: above / scores.length },
    rules: findRules(rows, segments),
    encode: (metadata) => encodeOneTag(detector, metadata),
    card: formatOneTagCard,
  })
}

/** Writes the graph, checks it against the trainer, and writes the folder. */
async function finish(
  options: TrainOptions,
  { card, ...trained }: Fit & { setAside: readonly string[] },
): Promise<TrainResult> {
  const { prepared, fitted: detector, threshold } = trained
  const { rows, segments, resolutions } = prepared
  const { ends } = detector.score(rows, segments)
  const { bytes, manifest } = describeModel(options, trained)
  const golden = createGolden({ detector, rows, ends, threshold, seed: options.seed })
  const difference = await checkFaithful({ bytes, manifest, detector, rows, ends, golden })
  const text = card({ manifest, resolutions, notes: options.notes })
  await writeFolder(options.out, { bytes, manifest, card: text, golden })
  options.log?.info({ out: options.out, threshold, difference }, 'model written')
  return { manifest, difference }
}
