/** Labelled failures on the hydraulic rig: accuracy per part by blocked cross-validation, beside the majority class. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { getCells, parseNumbers, readTextTable } from '../train/text-table.ts'
import type { FeatureTable } from '../train/trees/bins.ts'
import {
  dealFolds,
  findAccuracy,
  findBlocks,
  findMajority,
  predictHeldOut,
} from '../train/trees/blocked-folds.ts'
import { chooseParts, measureCycle } from '../train/trees/cycle-features.ts'
import { findBenchData, measureFrom, readNumbers } from './bench-data.ts'

const SEED = 1
/** Columns of profile.txt. */
const PARTS_OF_RIG = ['cooler', 'valve', 'pump', 'accumulator'] as const
type RigPart = (typeof PARTS_OF_RIG)[number]

export interface TreesFigures {
  /** Share of held-out cycles whose state was said rightly. */
  hydraulic: Record<RigPart, number>
  /** Always the most frequent state. */
  majority: Record<RigPart, number>
  cycles: number
  /** Failures of a milling machine, row by row: a second set, of another kind. */
  ai4i: { precision: number; recall: number; F1: number }
  seconds: number
  peakMB: number
}

/** Half a minute: 5 folds for each of the four parts; a block is a run of cycles in which no part's state changes. */
export async function benchTrees(seed = SEED): Promise<TreesFigures> {
  const from = performance.now()
  const { table, states } = await readRig(findBenchData('hydraulic'))
  const folds = dealFolds(findBlocks(states.map((state) => state.join())), seed)
  const hydraulic: Partial<Record<RigPart, number>> = {}
  const majority: Partial<Record<RigPart, number>> = {}
  PARTS_OF_RIG.forEach((part, column) => {
    const levels = [...new Set(states.map((state) => state[column]))]
    const labels = Int32Array.from(states, (state) => levels.indexOf(state[column]))
    hydraulic[part] = findAccuracy(predictHeldOut({ table, labels, folds }, { seed }), labels)
    majority[part] = findMajority(labels)
  })
  return {
    hydraulic: hydraulic as Record<RigPart, number>,
    majority: majority as Record<RigPart, number>,
    cycles: table.rows,
    ai4i: await checkMill(findBenchData('ai4i'), seed),
    ...measureFrom(from),
  }
}

/** Cycles without a label (NaN) are left out. */
async function readRig(folder: string): Promise<{ table: FeatureTable; states: number[][] }> {
  const profile = await readNumbers(join(folder, 'profile.txt'))
  const known = profile.map((_, i) => i).filter((i) => !profile[i]?.some(Number.isNaN))
  const files = (await readdir(folder)).filter((name) => name.endsWith('.txt.gz')).sort()
  const features: number[][] = known.map(() => [])
  for (const file of files) {
    const cycles = await readNumbers(join(folder, file))
    const parts = chooseParts(cycles[0]?.length ?? 0)
    known.forEach((cycle, row) => {
      features[row]?.push(...measureCycle(cycles[cycle] ?? [], parts))
    })
  }
  const width = features[0]?.length ?? 0
  const table = { rows: known.length, width, values: Float32Array.from(features.flat()) }
  const states = known.map((i) => (profile[i] ?? []).slice(0, PARTS_OF_RIG.length))
  return { table, states }
}

/** Quality of the product as its rank: low, medium, high. */
const QUALITY = ['L', 'M', 'H']
const MILL_COLUMNS = [
  'Air temperature [K]',
  'Process temperature [K]',
  'Rotational speed [rpm]',
  'Torque [Nm]',
  'Tool wear [min]',
]

async function checkMill(folder: string, seed: number): Promise<TreesFigures['ai4i']> {
  const source = await readTextTable(join(folder, 'ai4i2020.csv.gz'))
  const quality = getCells(source, 'Type').map((letter) => QUALITY.indexOf(letter))
  const columns = [...MILL_COLUMNS.map((name) => parseNumbers(source, name)), quality]
  const values = new Float32Array(source.rows * columns.length)
  columns.forEach((column, j) => {
    for (let row = 0; row < source.rows; row++) values[row * columns.length + j] = column[row] ?? 0
  })
  const table = { rows: source.rows, width: columns.length, values }
  const labels = Int32Array.from(parseNumbers(source, 'Machine_failure'))
  const folds = dealFolds(findBlocks(new Array<string>(source.rows).fill('')), seed)
  const said = predictHeldOut({ table, labels, folds }, { seed })
  const right = said.filter((one, row) => one === 1 && labels[row] === 1).length
  const precision = right / said.filter((one) => one === 1).length
  const recall = right / labels.filter((one) => one === 1).length
  return { precision, recall, F1: (2 * precision * recall) / (precision + recall) }
}
