/** Remaining life on C-MAPSS FD001: error and coverage on held-out units, beside a constant and a linear model. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readHistories } from '../train/rul/histories.ts'
import { CAP_ROWS, fitLifeModel } from '../train/rul/life-model.ts'
import { scoreLife } from '../train/rul/score-life.ts'
import { trainLife } from '../train/rul/train-life.ts'
import { findBenchData, measureFrom, readNumbers } from './bench-data.ts'

const SEED = 1
/** 3 settings and 21 sensors without names in the original. */
const COLUMNS = [
  'unit',
  'cycle',
  ...Array.from({ length: 3 }, (_, i) => `op${i + 1}`),
  ...Array.from({ length: 21 }, (_, i) => `s${i + 1}`),
]
const UNIT = 'unit'
const TIME = 'cycle'
/** What `node models/bench/bench-rul.ts` writes: the remaining life of the test units at their last row. */
const PREDICTIONS = join(import.meta.dirname, 'cmapss-test-fd001.csv')

export interface RulFigures {
  /** Root mean square over all rows of held-out units, both sides capped at 125 cycles; share of rows in the interval. */
  cmapss: { cvRMSE: number; coverage90: number }
  /** A tenth of the units held out: the mean of the others, and ridge on the same features without random ones. */
  baselines: { constant: number; linear: number }
  units: number
  rows: number
  /** Training of the model as `mimamori train` does it, cross-validation included. */
  seconds: number
  peakMB: number
}

/** Half a minute. */
export async function benchRul(seed = SEED): Promise<RulFigures> {
  return await withTable('train_FD001', async (file, scratch) => {
    const from = performance.now()
    const out = join(scratch, 'model')
    const { manifest } = await trainLife({
      in: file,
      out,
      unitColumn: UNIT,
      timeColumn: TIME,
      seed,
    })
    const cost = measureFrom(from)
    const { cvRMSE = Number.NaN, coverage90 = Number.NaN } = manifest.metrics
    const { tags } = manifest
    const { lives } = await readHistories({ file, unit: UNIT, time: TIME, tags })
    const linear = fitLifeModel(lives, { seed, hidden: 0, draws: 1 }).metrics.rmse
    const constant = findConstantError(lives.map(({ count }) => count))
    const { units, rows } = manifest.training
    return { cmapss: { cvRMSE, coverage90 }, baselines: { constant, linear }, units, rows, ...cost }
  })
}

/** Each unit judged by the mean of all others' rows. */
function findConstantError(counts: readonly number[]): number {
  const targets = counts.map((count) =>
    Array.from({ length: count }, (_, row) => Math.min(CAP_ROWS, count - 1 - row)),
  )
  const add = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  const rows = add(counts)
  const total = add(targets.map(add))
  const squares = targets.map((own) => {
    const mean = (total - add(own)) / (rows - own.length)
    return add(own.map((value) => (value - mean) ** 2))
  })
  return Math.sqrt(add(squares) / rows)
}

/** Trains on all training units and writes `unit,rul,rul_lo,rul_hi` for the truncated test units. */
export async function writeTestPredictions(out = PREDICTIONS, seed = SEED): Promise<void> {
  await withTable('train_FD001', async (file, scratch) => {
    const model = join(scratch, 'model')
    await trainLife({ in: file, out: model, unitColumn: UNIT, timeColumn: TIME, seed })
    await withTable('test_FD001', async (test) => {
      await scoreLife({ model, in: test, out })
    })
  })
}

/** A set as a table with a header, in a scratch folder that goes when `use` is through. */
async function withTable<Result>(
  set: string,
  use: (file: string, scratch: string) => Promise<Result>,
): Promise<Result> {
  const rows = await readNumbers(join(findBenchData('cmapss'), `${set}.txt.gz`))
  const scratch = await mkdtemp(join(tmpdir(), 'mimamori-bench-'))
  try {
    const file = join(scratch, `${set}.csv`)
    await writeFile(file, `${[COLUMNS, ...rows].map((row) => row.join(',')).join('\n')}\n`)
    return await use(file, scratch)
  } finally {
    await rm(scratch, { recursive: true })
  }
}

if (import.meta.main) await writeTestPredictions()
