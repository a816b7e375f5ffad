/** Measures a training of 43 tags x 8,761 rows (a year of hours) and of the model that scoring is measured with. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from '../quantiles.ts'
import { createRandom } from '../train/golden.ts'
import { runTrain } from '../train/train.ts'
import type { TrainOnce } from './train-once.ts'

const TAGS = 43
const ROWS = 8761
const RUNS = 3
const TRAIN_ONCE = fileURLToPath(new URL('./train-once.ts', import.meta.url))

export interface TrainingFigures extends TrainOnce {
  tags: number
  rows: number
}

/** Median seconds and highest peak of three runs, each in its own process. */
export async function benchTraining(dir: string): Promise<TrainingFigures> {
  const table = join(dir, 'year.csv')
  await writeFile(table, createTable(TAGS, ROWS))
  const runs: TrainOnce[] = []
  for (let run = 0; run < RUNS; run++) {
    const args = [TRAIN_ONCE, table, join(dir, 'year')]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    runs.push(JSON.parse(stdout) as TrainOnce)
  }
  const seconds = median(runs.map((run) => run.seconds))
  return { seconds, peakMB: Math.max(...runs.map((run) => run.peakMB)), tags: TAGS, rows: ROWS }
}

/** Trains a model of so many tags with full lags; answers its folder. */
export async function trainSynthetic(dir: string, tags: number): Promise<string> {
  const table = join(dir, `${tags}.csv`)
  const out = join(dir, `${tags}`)
  await writeFile(table, createTable(tags, 1500))
  await runTrain({ in: table, out, seed: 1 })
  return out
}

/** Tags that follow a few common loads, with noise of their own. */
function createTable(tags: number, rows: number): string {
  const random = createRandom(1)
  const noise = () => random() + random() + random() - 1.5
  const loads = [0, 0, 0, 0, 0]
  const names = Array.from({ length: tags }, (_, tag) => `tag${tag}`)
  const lines = [`time,${names.join(',')}`]
  for (let row = 0; row < rows; row++) {
    loads.forEach((load, i) => {
      loads[i] = 0.8 * load + noise()
    })
    const cells = names.map((_, tag) => {
      const own = (loads[tag % 5] ?? 0) + 0.5 * (loads[(tag + 2) % 5] ?? 0)
      return (10 * tag + own + 0.3 * noise()).toFixed(6)
    })
    lines.push(`${1_600_000_000 + row * 3600},${cells.join(',')}`)
  }
  return lines.join('\n')
}
