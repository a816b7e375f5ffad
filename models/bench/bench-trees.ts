/** Labelled failures on the hydraulic rig: accuracy per part by blocked cross-validation, beside the majority class. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
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
