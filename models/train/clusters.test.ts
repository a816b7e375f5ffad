/** Phases of a cyclic machine: found only where they are worth it, the same every time, and never hiding what one model sees. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCyclicPlant } from '../bench/simulated-cycle.ts'
import { findCenters } from './k-means.ts'
import { writeFolder } from './model-folder.ts'
import { createPlant } from './plant.fixture.ts'
import { type ScoredModel, scoreTable } from './score-table.ts'
import { readScoredModel } from './scored-folder.ts'
import { trainClusters } from './train-clusters.ts'

let dir: string
let model: ScoredModel
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'clusters-'))
  const normal = createCyclicPlant({ seed: 1, rows: 6000 })
  await writeFolder(dir, await trainClusters(normal, { name: 'press', seed: 1 }))
  model = await readScoredModel(dir)
})
afterAll(() => rm(dir, { recursive: true }))

type Change = (value: number, tag: number, phase: number) => number

/** Ratios of the same rows by the one model of all operation, and with the phases beside it. */
async function compare(change?: Change) {
  const table = createCyclicPlant({ seed: 7, rows: 3000, ...(change && { change }) })
  const { clusters: _, ...one } = model
  const ratios = async (of: ScoredModel) =>
    (await scoreTable(of, table)).scores.flatMap((score) => (score ? [score.ratio] : []))
  const [single, both] = [await ratios(one), await ratios(model)]
  const above = (all: readonly number[]) => all.filter((ratio) => ratio > 1).length / all.length
  return { single, both, shares: [above(single), above(both)] as const }
}

/** Each is invisible to one model of all operation on most of the rows, or plain to it. */
const faults: [string, Change, number][] = [
  ['the pressure reads too high', (v, tag) => (tag === 1 ? v + 4 : v), 0.15],
  [
    'the pressure is weak in one phase',
    (v, tag, phase) => (tag === 1 && phase === 1 ? v - 6 : v),
    0.15,
  ],
  ['the position slips', (v, tag) => (tag === 4 ? v + 20 : v), 0],
  ['the pressure is stuck', (v, tag) => (tag === 1 ? 60 : v), 0],
  // As convenient as can be: the values of another phase.
  [
    'a phase shows the values of another',
    (v, tag, phase) => (tag < 2 && phase === 1 ? v - [40, 100][tag]! : v),
    0,
  ],
]

test.each(faults)(
  '%s: every window is at least as abnormal as to one model',
  async (_, change, more) => {
    const { single, both, shares } = await compare(change)
    expect(both.filter((ratio, i) => ratio < single[i]!)).toEqual([])
    expect(shares[1] - shares[0]).toBeGreaterThanOrEqual(more)
  },
)

test('a healthy machine is above the limit hardly more often than with one model', async () => {
  const { shares } = await compare()
  expect(shares[1] - shares[0]).toBeLessThan(0.003)
})

test('a machine without phases keeps its one model, byte for byte', async () => {
  const plant = createPlant({ rows: 2400, seed: 3 })
  const { manifest, inner } = await trainClusters(plant, { name: 'plain', seed: 1 })
  expect([manifest.clusters, inner]).toEqual([undefined, undefined])
})

test('the same points and seed give the same centers, and as many as there are heaps', () => {
  const points = [0, 0.1, 10, 10.1, 20, 20.2].map((value) => Float64Array.of(value))
  const centers = findCenters(points, 3, 5)
  expect(centers.map(([value]) => value!).sort((a, b) => a - b)).toEqual([0.05, 10.05, 20.1])
  expect(findCenters(points, 3, 5)).toEqual(centers)
  expect(findCenters([Float64Array.of(1), Float64Array.of(1)], 2, 1)).toHaveLength(1)
})
