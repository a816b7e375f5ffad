/** Detection on the public sets: the product's own train and score against published figures and simple baselines. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRandom } from '../train/golden.ts'
import { MIN_ROWS } from '../train/prepare.ts'
import { runScore } from '../train/score.ts'
import type { Table } from '../train/table.ts'
import { runTrain } from '../train/train.ts'
import { type Baseline, baselines } from './baselines.ts'
import { findBenchData } from './bench-data.ts'
import {
  type BatadalFigures,
  batadalFigures,
  type Counts,
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
const SKAB_GOAL: SkabFigures = { F1: 0.82, FAR: 16, MAR: 24 }
const TEP_PERIOD_MS = 180_000
/** As NAB's own probation: the first 15 %, at most 750 rows. */
const NAB_TRAIN_SHARE = 0.15
const NAB_TRAIN_ROWS = 750
/** Cells that are taken out of training and test for the second figure of a set. */
const EMPTY_SHARE = 0.05

interface Job {
  dir: string
  periodMs?: number
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

/** The table with a share of its cells empty, by a seeded toss. */
function emptyCellsOf(table: Table, seed: number): Table {
  const random = createRandom(seed)
  const columns = table.columns.map((column) =>
    column.map((value) => (random() < EMPTY_SHARE ? Number.NaN : value)),
  )
  return { ...table, columns }
}

/** In which share of draws of 34 files, as many as the public set has, all three goals hold: seeded bootstrap. */
function findLimitsShare(files: readonly Counts[]): number {
  const random = createRandom(7)
  const draws = 2000
  let held = 0
  for (let draw = 0; draw < draws; draw++) {
    const drawn = Array.from({ length: 34 }, () => files[Math.floor(random() * files.length)])
    const { F1, FAR, MAR } = skabFigures(drawn.filter((one) => one !== undefined))
    if (F1 >= SKAB_GOAL.F1 && FAR <= SKAB_GOAL.FAR && MAR <= SKAB_GOAL.MAR) held++
  }
  return held / draws
}

/** The same figures for every baseline. */
function compare<T>(figures: (baseline: Baseline) => T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(baselines).map(([name, baseline]) => [name, figures(baseline)]),
  )
}

/** `dir` is for files of its own; Fault 'bench.no-data' when the recordings are not there. */
export async function benchSkab(
  dir: string,
): Promise<Beside<SkabFigures> & { files: number; limitsHold34: number; emptyCells: SkabFigures }> {
  const files = await readSkab(findBenchData('skab'))
  const parts = files.map(({ tags, labels }) => ({
    whole: tags,
    normal: sliceTable(tags, 0, SKAB_TRAIN_ROWS),
    test: sliceTable(tags, SKAB_TRAIN_ROWS),
    labels: labels.slice(SKAB_TRAIN_ROWS),
  }))
  const countFiles = async (change: (table: Table, seed: number) => Table) => {
    const counts = []
    for (const [i, { whole, labels }] of parts.entries()) {
      const table = change(whole, i + 1)
      const score = await train(sliceTable(table, 0, SKAB_TRAIN_ROWS), { dir })
      counts.push(countRows(labels, (await score(table)).slice(SKAB_TRAIN_ROWS)))
    }
    return counts
  }
  const counts = await countFiles((table) => table)
  const emptyCells = skabFigures(await countFiles((table, seed) => emptyCellsOf(table, seed)))
  return {
    ...skabFigures(counts),
    files: files.length,
    limitsHold34: findLimitsShare(counts),
    emptyCells,
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

/** Dataset 04 by dataset 03 as they are, nine decimals against two; as `benchSkab`. */
export async function benchBatadal(
  dir: string,
): Promise<Beside<BatadalFigures> & { emptyCells: BatadalFigures }> {
  const { train: normal, test } = await readBatadal(findBenchData('batadal'))
  const score = await train(normal, { dir })
  const figures = batadalFigures(test.labels, await score(test.tags))
  const holed = await train(emptyCellsOf(normal, 1), { dir })
  return {
    ...figures,
    emptyCells: batadalFigures(test.labels, await holed(emptyCellsOf(test.tags, 2))),
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
