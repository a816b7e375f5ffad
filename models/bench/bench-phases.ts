/** What models of phases bring to a simulated cyclic machine, and on which recordings any are found: `node models/bench/bench-phases.ts`. */
import { join, resolve } from 'node:path'
import { type ScoredModel, scoreTable } from '../train/score-table.ts'
import { openModes } from '../train/scored-folder.ts'
import { readTable, type Table } from '../train/table.ts'
import { trainClusters } from '../train/train-clusters.ts'
import type { TrainedTable } from '../train/train-options.ts'
import { findBenchData } from './bench-data.ts'
import { readBatadal, readSkab, readTep, sliceTable } from './recordings.ts'
import { createCyclicPlant } from './simulated-cycle.ts'
import { simulateMachine } from './simulated-wear.ts'

const SEEDS = 5
const ROWS = 6000
const SKAB_TRAIN_ROWS = 400

type Change = (value: number, tag: number, phase: number) => number

/** Of flow, pressure, power, heat, position. */
const faults: Record<string, Change> = {
  healthy: (value) => value,
  'pressure reads 4 too high': (value, tag) => (tag === 1 ? value + 4 : value),
  'pressure weak in one phase': (value, tag, phase) =>
    tag === 1 && phase === 1 ? value - 6 : value,
  'position slips': (value, tag) => (tag === 4 ? value + 20 : value),
  'pressure stuck': (value, tag) => (tag === 1 ? 60 : value),
  'a phase shows the values of another': (value, tag, phase) =>
    tag < 2 && phase === 1 ? value - (tag === 0 ? 40 : 100) : value,
}

/** Share of windows above the limit, by one model and with those of the phases. */
type Shares = { one: number; phases: number }

async function benchSimulated(): Promise<{ phases: number[]; above: Record<string, Shares> }> {
  const found: number[] = []
  const above: Record<string, Shares> = {}
  for (let seed = 1; seed <= SEEDS; seed++) {
    const trained = await train(createCyclicPlant({ seed, rows: ROWS }))
    const { one, both } = await open(trained)
    found.push(both.clusters.length || 1)
    for (const [name, change] of Object.entries(faults)) {
      const live = createCyclicPlant({ seed: 100 + seed, rows: ROWS, change })
      const sum = above[name] ?? { one: 0, phases: 0 }
      sum.one += (await shareAbove(one, live)) / SEEDS
      sum.phases += (await shareAbove(both, live)) / SEEDS
      above[name] = sum
    }
  }
  return { phases: found, above }
}

async function open({ manifest, bytes, inner = {} }: TrainedTable) {
  const one: ScoredModel = { manifest, bytes }
  const models = new Map(
    Object.entries(inner).map(([name, own]) => [name, { ...own, sha256: '' }] as const),
  )
  const clusters = [...((await openModes(models))?.values() ?? [])]
  return { one, both: { ...one, clusters } }
}

async function shareAbove(model: ScoredModel, table: Table): Promise<number> {
  const { scores } = await scoreTable(model, table)
  const known = scores.flatMap((score) => (score ? [score.ratio] : []))
  return known.filter((ratio) => ratio > 1).length / known.length
}

const train = (table: Table) => trainClusters(table, { name: 'phases', seed: 1 })

/** Phases that are found; 1: one model for all operation is as good. */
const countPhases = async (table: Table) =>
  (await train(table)).manifest.clusters?.known.length ?? 1

/** Trained on the normal recording of the press, rows as they are. */
async function benchPress(): Promise<{ phases: number; above: Record<string, Shares> }> {
  const { one, both } = await open(await train(await readPress('normal')))
  const above: Record<string, Shares> = {}
  for (const name of ['healthy', 'cooler-reduced', 'cooler-failed']) {
    const live = await readPress(name)
    above[name] = { one: await shareAbove(one, live), phases: await shareAbove(both, live) }
  }
  return { phases: both.clusters.length || 1, above }
}

const press = resolve(import.meta.dirname, '../../simulators/recordings/hydraulic')
const readPress = (name: string) => readTable(join(press, `${name}.csv.gz`))

async function benchRecorded(): Promise<Record<string, number | number[]>> {
  const skab = []
  for (const { tags } of await readSkab(findBenchData('skab')))
    skab.push(await countPhases(sliceTable(tags, 0, SKAB_TRAIN_ROWS)))
  const days = { train: 14, calm: 1, wear: [1, 2] as const }
  const rounded = ({ columns, ...rest }: Table): Table => ({
    ...rest,
    columns: columns.map((column) => column.map((value) => Math.round(value * 100) / 100)),
  })
  return {
    skab,
    tep: await countPhases((await readTep(findBenchData('tep'))).train),
    batadal: await countPhases(rounded((await readBatadal(findBenchData('batadal'))).train)),
    'simulated chiller': await countPhases(simulateMachine(1, days).normal),
  }
}

if (process.argv[1] === import.meta.filename)
  console.log(
    JSON.stringify(
      {
        phasesFound: await benchRecorded(),
        press: await benchPress(),
        simulated: await benchSimulated(),
      },
      null,
      2,
    ),
  )
