/** Detection on the public sets: the product's own train and score against published figures and simple baselines. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runScore } from '../train/score.ts'
import type { Table } from '../train/table.ts'
import { runTrain } from '../train/train.ts'
import { type Baseline, baselines } from './baselines.ts'
import {
  type BatadalFigures,
  batadalFigures,
  countRows,
  type SkabFigures,
  skabFigures,
  type TepFigures,
  tepFigures,
} from './metrics.ts'
import { formatTable, readBatadal, readSkab, readTep, sliceTable } from './recordings.ts'

type Beside<T> = T & {
  /** Best figures that the set's own sources publish; null where they publish none for this part. */
  published: T | Partial<T> | null
  baselines: Record<string, T>
}

export interface DetectionFigures {
  skab: Beside<SkabFigures> & { files: number }
  tep: Beside<TepFigures>
  batadal04: Beside<BatadalFigures>
}

/** Each file of SKAB is trained on its own first rows. */
const SKAB_TRAIN_ROWS = 400
const SKAB_PUBLISHED = { F1: 0.78, FAR: 13.6, MAR: 28 }
const TEP_PERIOD_MS = 180_000
/** The live data of BATADAL have two decimals, its training nine. */
const BATADAL_STEP = 0.01

/** Takes the folder of the recordings; a minute or less. */
export async function benchDetection(folder: string): Promise<DetectionFigures> {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-bench-'))
  try {
    return {
      skab: await benchSkab(folder, dir),
      tep: await benchTep(folder, dir),
      batadal04: await benchBatadal(folder, dir),
    }
  } finally {
    await rm(dir, { recursive: true })
  }
}

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

async function benchSkab(folder: string, dir: string): Promise<DetectionFigures['skab']> {
  const files = await readSkab(folder)
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

async function benchTep(folder: string, dir: string): Promise<DetectionFigures['tep']> {
  const { train: normal, tests } = await readTep(folder)
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

async function benchBatadal(folder: string, dir: string): Promise<DetectionFigures['batadal04']> {
  const { train: normal, test } = await readBatadal(folder)
  const resolution = Object.fromEntries(normal.names.map((name) => [name, BATADAL_STEP]))
  const score = await train(normal, { dir, resolution })
  return {
    ...batadalFigures(test.labels, await score(test.tags)),
    published: null,
    baselines: compare((baseline) => batadalFigures(test.labels, baseline(normal, test.tags))),
  }
}
