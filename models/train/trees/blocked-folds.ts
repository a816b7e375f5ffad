/** Folds of whole blocks of neighbouring cycles, so that no cycle is judged by the one just before it. */
import { createRandom } from '../golden.ts'
import type { FeatureTable } from './bins.ts'
import { type BoostOptions, fitBoostedTrees, pickClasses, predictShares } from './boosted-trees.ts'

/** A longer run of one state is cut: otherwise a state seen in one run only could never be both learned and checked. */
const MAX_BLOCK = 40
export const FOLDS = 5

/** Block number per cycle, cycles in the order of time: a block ends where the state changes. */
export function findBlocks(states: readonly string[]): Int32Array {
  const blocks = new Int32Array(states.length)
  let block = 0
  let length = 0
  for (let i = 1; i < states.length; i++) {
    length++
    if (states[i] !== states[i - 1] || length === MAX_BLOCK) {
      block++
      length = 0
    }
    blocks[i] = block
  }
  return blocks
}

/** Fold per cycle: blocks are dealt out in an order drawn by the seed. */
export function dealFolds(blocks: Int32Array, seed: number): Int32Array {
  const random = createRandom(seed)
  const count = blocks.reduce((most, block) => Math.max(most, block + 1), 0)
  const drawn = Array.from({ length: count }, (_, block) => ({ block, at: random() }))
  drawn.sort((a, b) => a.at - b.at)
  const foldOf = new Int32Array(count)
  drawn.forEach(({ block }, place) => {
    foldOf[block] = place % FOLDS
  })
  return blocks.map((block) => foldOf[block] ?? 0)
}

export interface Labelled {
  table: FeatureTable
  /** Class numbers from 0. */
  labels: Int32Array
  folds: Int32Array
}

/** The class of every row, said by trees that have not seen its block. */
export function predictHeldOut(
  { table, labels, folds }: Labelled,
  options: BoostOptions,
): Int32Array {
  const said = new Int32Array(table.rows).fill(-1)
  const all = Array.from({ length: table.rows }, (_, row) => row)
  for (let fold = 0; fold < FOLDS; fold++) {
    const inside = all.filter((row) => folds[row] === fold)
    const outside = all.filter((row) => folds[row] !== fold)
    if (inside.length === 0 || outside.length === 0) continue
    const own = Int32Array.from(outside, (row) => labels[row] ?? 0)
    const model = fitBoostedTrees(pickRows(table, outside), own, options)
    const picked = pickClasses(predictShares(model, pickRows(table, inside)), model.classes)
    inside.forEach((row, i) => {
      said[row] = picked[i] ?? -1
    })
  }
  return said
}

/** Share of equal entries. */
export function findAccuracy(said: Int32Array, labels: Int32Array): number {
  return said.filter((label, row) => label === labels[row]).length / Math.max(1, labels.length)
}

/** What always saying the most frequent label would reach. */
export function findMajority(labels: Int32Array): number {
  const counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return Math.max(0, ...counts.values()) / Math.max(1, labels.length)
}

function pickRows({ width, values }: FeatureTable, rows: readonly number[]): FeatureTable {
  const picked = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    picked.set(values.subarray(row * width, (row + 1) * width), i * width)
  })
  return { rows: rows.length, width, values: picked }
}
