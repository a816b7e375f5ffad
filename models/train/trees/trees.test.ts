/** Trees on cycles with a known rule: they learn it, are written faithfully, and refuse labels that contradict themselves. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isFault } from '../../../protocol/kit/fault.ts'
import { openFeatureSession } from '../feature-session.ts'
import { createRandom } from '../golden.ts'
import { createBins, MISSING } from './bins.ts'
import { dealFolds, findBlocks } from './blocked-folds.ts'
import { fitBoostedTrees, predictShares } from './boosted-trees.ts'
import { measureCycle, nameCycleFeatures } from './cycle-features.ts'
import { scoreTrees } from './score-trees.ts'
import { type TrainTreesResult, trainTrees } from './train-trees.ts'
import { encodeTrees } from './tree-graph.ts'
import { readTreeFolder } from './tree-manifest.ts'

const HEADER = 'cycle,second,pressure,flow,state'
const ROWS = 10

/** A late pressure with a low flow is a worn valve, with a high flow a leaking pump; an early pressure is fine. */
function createCycles(count: number, seed: number): { text: string; states: string[] } {
  const random = createRandom(seed)
  const states: string[] = []
  const lines = [HEADER]
  for (let cycle = 0; cycle < count; cycle++) {
    const isLate = random() < 0.6
    const isLow = random() < 0.5
    const state = isLate ? (isLow ? 'valve' : 'pump') : 'good'
    states.push(state)
    for (let second = 0; second < ROWS; second++) {
      const pressure = second >= (isLate ? 4 : 3) ? 150 : 20
      const flow = (isLow ? 7 : 9) + random() * 1.5
      lines.push([cycle, cycle * 60 + second, pressure + random(), flow, state].join(','))
    }
  }
  return { text: `${lines.join('\n')}\n`, states }
}

let folder = ''
let trained: TrainTreesResult
const at = (name: string) => join(folder, name)
const columns = { unitColumn: 'cycle', timeColumn: 'second', labelColumn: 'state', seed: 1 }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mimamori-trees-'))
  await writeFile(at('cycles.csv'), createCycles(150, 1).text)
  trained = await trainTrees({ in: at('cycles.csv'), out: at('model'), name: 'rig', ...columns })
})
afterAll(() => rm(folder, { recursive: true }))

async function score(text: string): Promise<string[][]> {
  await writeFile(at('in.csv'), text)
  await scoreTrees({ model: at('model'), in: at('in.csv'), out: at('out.csv') })
  const lines = (await readFile(at('out.csv'), 'utf8')).trim().split('\n')
  return lines.map((line) => line.split(','))
}

test('trees learn a rule of two tags and say the state of cycles they have not seen', async () => {
  const { text, states } = createCycles(60, 2)
  const [head, ...rows] = await score(text)
  expect(head).toEqual(['unit', 'state', 'share', 'share good', 'share pump', 'share valve'])
  expect(rows.filter((row, i) => row[1] === states[i]).length).toBeGreaterThanOrEqual(58)
  expect(trained.manifest.metrics.cvAccuracy).toBeGreaterThan(0.95)
  expect(trained.manifest.metrics.majorityAccuracy).toBeLessThan(0.5)
})

test('the same cycles and seed give the same bytes, and the graph says what the trainer says', async () => {
  const again = await trainTrees({
    in: at('cycles.csv'),
    out: at('again'),
    name: 'rig',
    ...columns,
  })
  expect(again.manifest).toEqual(trained.manifest)
  const [one, two] = [await readTreeFolder(at('model')), await readTreeFolder(at('again'))]
  expect(Buffer.compare(one.bytes, two.bytes)).toBe(0)
  expect(trained.difference).toBeLessThan(1e-5)
})

test('missing features go the same way in the trainer and in the graph', async () => {
  const random = createRandom(4)
  const [rows, width] = [200, 5]
  const values = Float32Array.from({ length: rows * width }, () =>
    random() < 0.2 ? NaN : random(),
  )
  const table = { rows, width, values }
  const labels = Int32Array.from({ length: rows }, (_, row) => {
    const [a = 0, b = 0] = values.subarray(row * width)
    return Number.isNaN(a) ? 2 : a > 0.4 && b > 0.3 ? 1 : 0
  })
  const model = fitBoostedTrees(table, labels, { seed: 3, rounds: 10 })
  const bytes = encodeTrees(model, { name: 'holes', width, metadata: {} })
  await using session = await openFeatureSession({ bytes, input: 'features', outputs: ['shares'] })
  const [shares = new Float32Array()] = await session.run(values, rows)
  const own = predictShares(model, table)
  expect(Math.max(...own.map((share, i) => Math.abs(share - (shares[i] ?? 9))))).toBeLessThan(1e-5)
})

test('cycles without a label are left out, contradicting labels are refused where they begin', async () => {
  const { text } = createCycles(60, 5)
  const holed = text.replace(/^(0,.*),\w+$/gm, '$1,').replace(/^(1,.*),\w+$/gm, '$1,NaN')
  await writeFile(at('holed.csv'), holed)
  const { manifest } = await trainTrees({ in: at('holed.csv'), out: at('holed'), ...columns })
  expect(manifest.training.units).toBe(58)
  const [line = ''] = /^3,182,.*$/m.exec(text) ?? []
  await writeFile(at('bad.csv'), text.replace(line, line.replace(/\w+$/, 'other')))
  const failure = await trainTrees({ in: at('bad.csv'), out: at('bad'), ...columns }).catch(
    (e) => e,
  )
  expect(isFault(failure, 'table.invalid')).toBe(true)
  expect(failure.detail).toMatchObject({ row: 34, column: 'state' })
})

test('a state with too few cycles is refused by its name', async () => {
  const { text } = createCycles(40, 6)
  const rare = text.replace(/^([012],.*),\w+$/gm, '$1,odd')
  await writeFile(at('rare.csv'), rare)
  const training = trainTrees({ in: at('rare.csv'), out: at('rare'), ...columns })
  await expect(training).rejects.toThrow(/"odd" has 3 cycle\(s\); 5 are needed/)
})

test('a cycle that sent nothing has no state', async () => {
  const [, cells] = await score('cycle,second,pressure,flow\n7,1,,\n7,2,,\n')
  expect(cells?.slice(0, 3)).toEqual(['7', '', ''])
})

test('a block ends where the state changes, and a fold holds whole blocks', () => {
  const states = ['a', 'a', 'b', 'b', 'b', 'a', ...new Array<string>(90).fill('c')]
  const blocks = findBlocks(states)
  expect(Array.from(blocks.subarray(0, 7))).toEqual([0, 0, 1, 1, 1, 2, 3])
  expect(new Set(blocks).size).toBe(6)
  const folds = dealFolds(blocks, 1)
  for (let i = 1; i < folds.length; i++)
    if (blocks[i] === blocks[i - 1]) expect(folds[i]).toBe(folds[i - 1])
})

test('cuts separate neighbouring float32 values, and what is missing lies behind them', () => {
  const close = [1, Math.fround(1 + 2 ** -23), 2, Number.NaN]
  const { cuts, codes } = createBins({ rows: 4, width: 1, values: Float32Array.from(close) })
  expect(Array.from(codes)).toEqual([0, 1, 2, MISSING])
  expect(cuts[0]?.[0]).toBe(1)
})

test('a cycle has its mean, spread, ends, slope, quartiles and parts', () => {
  const values = [1, 2, 3, 4, 5, Number.NaN, 7, 8]
  const names = nameCycleFeatures(['x'], 4)
  const found = Object.fromEntries(measureCycle(values, 4).map((value, i) => [names[i], value]))
  expect(found['mean(x)']).toBeCloseTo(30 / 7, 9)
  expect(found['slope(x)']).toBeCloseTo(8, 9)
  expect([found['min(x)'], found['max(x)'], found['q50(x)']]).toEqual([1, 8, 4])
  expect([1, 2, 3, 4].map((i) => found[`part${i}of4(x)`])).toEqual([1.5, 3.5, 5, 7.5])
})
