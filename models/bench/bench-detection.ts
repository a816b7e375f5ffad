/** Detection on the public sets: the product's own train and score against published figures and simple baselines. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MIN_ROWS } from '../train/prepare.ts'
import { runScore } from '../train/score.ts'
import type { Table } from '../train/table.ts'
import { runTrain } from '../train/train.ts'
import { type Baseline, baselines } from './baselines.ts'
import { findBenchData } from './bench-data.ts'
import {
  type BatadalFigures,
  batadalFigures,
  countRows,
  type NabFigures,
  nabFigures,
  type SkabFigures,
  skabFigures,
  type TepFigures,
  tepFigures,
} from './metrics.ts'
import { formatTable, readBatadal, readNab, readSkab, readTep, sliceTable } from './recordings.ts'

type Beside<T> = T & {
  /** Best figures that the set's own sources publish; null where they publish none for this part. */
  published: T | Partial<T> | null
  baselines: Record<string, T>
}

/** Each file of SKAB is trained on its own first rows. */
const SKAB_TRAIN_ROWS = 400
const SKAB_PUBLISHED = { F1: 0.78, FAR: 13.6, MAR: 28 }
const TEP_PERIOD_MS = 180_000
/** As NAB's own probation: the first 15 %, at most 750 rows. */
const NAB_TRAIN_SHARE = 0.15
const NAB_TRAIN_ROWS = 750
/** The live data of BATADAL have two decimals, its training nine. */
const BATADAL_STEP = 0.01

interface Job {
  dir: string
  periodMs?: number
  resolution?: Record<string, number>
}

/** Trains as `mimamori train` does; the answer scores a table as `mimamori score` does. */
async function train(table: Table, { dir, ...options }: Job) {
  const input = join(dir, 'train.csv')
  const model = join(dir, 'model')
  await writeFile(input, formatTable(table))
  await runTrain({ in: input, out: model, seed: 1, ...options })
  return async (test: Table): Promise<boolean[]> => {
    const file = join(dir, 'test.csv')
    const out = join(dir, 'out.csv')
    await writeFile(file, formatTable(test))
    await runScore({ model, in: file, out })
    const lines = (await readFile(out, 'utf8')).trimEnd().split('\n').slice(1)
    return lines.map((line) => line.split(',')[3] === '1')
  }
}

/** The same figures for every baseline. */
function compare<T>(figures: (baseline: Baseline) => T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(baselines).map(([name, baseline]) => [name, figures(baseline)]),
  )
}

/** `dir` is for files of its own; Fault 'bench.no-data' when the recordings are not there. */
export async function benchSkab(dir: string): Promise<Beside<SkabFigures> & { files: number }> {
  const files = await readSkab(findBenchData('skab'))
  const parts = files.map(({ tags, labels }) => ({
    whole: tags,
    normal: sliceTable(tags, 0, SKAB_TRAIN_ROWS),
    test: sliceTable(tags, SKAB_TRAIN_ROWS),
    labels: labels.slice(SKAB_TRAIN_ROWS),
  }))
  const counts = []
  for (const { whole, normal, labels } of parts) {
    const score = await train(normal, { dir })
    counts.push(countRows(labels, (await score(whole)).slice(SKAB_TRAIN_ROWS)))
  }
  return {
    ...skabFigures(counts),
    files: files.length,
    published: SKAB_PUBLISHED,
    baselines: compare((baseline) =>
      skabFigures(
        parts.map(({ normal, test, labels }) => countRows(labels, baseline(normal, test))),
      ),
    ),
  }
}

/** Trained on the one normal run; as `benchSkab`. */
export async function benchTep(dir: string): Promise<Beside<TepFigures>> {
  const { train: normal, tests } = await readTep(findBenchData('tep'))
  const score = await train(normal, { dir, periodMs: TEP_PERIOD_MS })
  const alarms = new Map<number, boolean[]>()
  for (const [fault, test] of tests) alarms.set(fault, await score(test))
  return {
    ...tepFigures(alarms),
    published: null,
    baselines: compare((baseline) =>
      tepFigures(new Map([...tests].map(([fault, test]) => [fault, baseline(normal, test)]))),
    ),
  }
}

/** Dataset 04 by dataset 03; as `benchSkab`. */
export async function benchBatadal(dir: string): Promise<Beside<BatadalFigures>> {
  const { train: normal, test } = await readBatadal(findBenchData('batadal'))
  const resolution = Object.fromEntries(normal.names.map((name) => [name, BATADAL_STEP]))
  const score = await train(normal, { dir, resolution })
  return {
    ...batadalFigures(test.labels, await score(test.tags)),
    published: null,
    baselines: compare((baseline) => batadalFigures(test.labels, baseline(normal, test.tags))),
  }
}

/** The one-tag detector on single series, each trained on its own beginning; as `benchSkab`. */
export async function benchNab(dir: string): Promise<Beside<NabFigures>> {
  const series = (await readNab(findBenchData('nab')))
    .map((one) => ({ ...one, rows: Math.min(NAB_TRAIN_ROWS, one.tags.rows * NAB_TRAIN_SHARE) }))
    .filter(({ rows }) => rows >= MIN_ROWS)
  const run = async (alarmsOf: (normal: Table, whole: Table) => Promise<boolean[]>) => {
    const runs = []
    for (const { tags, rows, windows } of series) {
      const from = Math.floor(rows)
      const alarms = (await alarmsOf(sliceTable(tags, 0, from), tags)).slice(from)
      runs.push({ at: (tags.at ?? new Float64Array()).slice(from), alarms, windows })
    }
    return nabFigures(runs)
  }
  const ours = await run(async (normal, whole) => (await train(normal, { dir }))(whole))
  const others: Record<string, NabFigures> = {}
  for (const [name, baseline] of Object.entries(baselines))
    others[name] = await run(async (normal, whole) => baseline(normal, whole))
  return { ...ours, published: null, baselines: others }
}
