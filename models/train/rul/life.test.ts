/** Remaining life on a made-up fleet whose truth is known: recovered within bounds, never from nothing, the same every time. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isFault } from '../../../protocol/kit/fault.ts'
import { openFeatureSession } from '../feature-session.ts'
import { createRandom } from '../golden.ts'
import { readLifeFolder } from './life-manifest.ts'
import { scoreLife } from './score-life.ts'
import { type TrainLifeResult, trainLife } from './train-life.ts'

interface FleetOptions {
  units: number
  seed: number
  /** Share of each life that is shown. */
  shown?: () => number
}

interface Machine {
  unit: string
  rows: string[][]
  /** Rows to the failure after the last one shown. */
  left: number
}

/** Two tags wear exponentially towards the failure with noise, one is noise only, one never changes. */
function createFleet({ units, seed, shown = () => 1 }: FleetOptions): Machine[] {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  return Array.from({ length: units }, (_, i) => {
    const life = 60 + Math.floor(random() * 60)
    const offset = noise()
    const count = Math.max(12, Math.round(life * shown()))
    const rows = Array.from({ length: count }, (_, row) => {
      const wear = Math.exp((row - life) / 25)
      const cells = [
        40 + offset + 12 * wear + noise() * 0.5,
        900 - 60 * wear + noise() * 3,
        noise(),
      ]
      return [`m${i}`, String(row + 1), ...cells.map((cell) => cell.toFixed(4)), '7']
    })
    return { unit: `m${i}`, rows, left: life - count }
  })
}

const HEADER = 'machine,hour,heat,flow,hum,setpoint'
const format = (fleet: readonly Machine[]) =>
  `${[HEADER, ...fleet.flatMap(({ rows }) => rows.map((row) => row.join(',')))].join('\n')}\n`

let folder = ''
let trained: TrainLifeResult
const at = (name: string) => join(folder, name)
const columns = { unitColumn: 'machine', timeColumn: 'hour', seed: 5 }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mimamori-life-'))
  await writeFile(at('fleet.csv'), format(createFleet({ units: 24, seed: 1 })))
  trained = await trainLife({ in: at('fleet.csv'), out: at('model'), name: 'fleet', ...columns })
})
afterAll(() => rm(folder, { recursive: true }))

async function score(text: string, model = 'model'): Promise<string[][]> {
  await writeFile(at('in.csv'), text)
  await scoreLife({ model: at(model), in: at('in.csv'), out: at('out.csv') })
  const lines = (await readFile(at('out.csv'), 'utf8')).trim().split('\n')
  return lines.map((line) => line.split(','))
}

test('new machines of the fleet get their remaining life within the interval that was promised', async () => {
  const random = createRandom(3)
  const fleet = createFleet({ units: 40, seed: 2, shown: () => 0.3 + 0.65 * random() })
  const [head, ...rows] = await score(format(fleet))
  expect(head).toEqual(['unit', 'rul', 'rul_lo', 'rul_hi'])
  const found = rows.map(([unit, ...cells], i) => {
    const [rul = 0, low = 0, high = 0] = cells.map(Number)
    const left = Math.min(125, fleet[i]!.left)
    expect(unit).toBe(fleet[i]!.unit)
    expect(low <= rul && rul <= high).toBe(true)
    return { error: rul - left, isInside: left >= low - 1 && left <= high + 1 }
  })
  const error = Math.sqrt(found.reduce((sum, one) => sum + one.error ** 2, 0) / found.length)
  expect(error).toBeLessThan(11)
  expect(found.filter((one) => one.isInside).length).toBeGreaterThanOrEqual(32)
})

test('the error on held-out machines is half of that of a constant, the interval holds its share', () => {
  const { metrics, kind, tags } = trained.manifest
  expect(kind).toBe('remaining-life')
  expect(tags).toEqual(['heat', 'flow', 'hum'])
  expect(metrics.cvRMSE).toBeLessThan(13)
  expect(metrics.coverage90).toBeGreaterThan(0.83)
  expect(metrics.coverage90).toBeLessThan(0.96)
})

test('the same histories and seed give the same bytes, and the graph says what the trainer says', async () => {
  const again = await trainLife({
    in: at('fleet.csv'),
    out: at('again'),
    name: 'fleet',
    ...columns,
  })
  expect(again.manifest).toEqual(trained.manifest)
  const [one, two] = [await readLifeFolder(at('model')), await readLifeFolder(at('again'))]
  expect(Buffer.compare(one.bytes, two.bytes)).toBe(0)
  expect(trained.difference).toBeLessThan(1e-3)
})

test('the golden vectors are what the written model says', async () => {
  const { manifest, bytes } = await readLifeFolder(at('model'))
  const golden = JSON.parse(await readFile(at('model/golden.json'), 'utf8'))
  const outputs = Object.values(manifest.outputs)
  await using session = await openFeatureSession({ bytes, input: manifest.input, outputs })
  expect(golden.vectors.length).toBe(5)
  for (const vector of golden.vectors) {
    const results = await session.run(Float32Array.from(vector.features), 1)
    outputs.forEach((name, i) => {
      const off = Math.abs((results[i]?.[0] ?? Number.NaN) - vector.outputs[name][0])
      expect(off).toBeLessThan(golden.tolerance * Math.max(golden.size, vector.outputs[name][0]))
    })
  }
})

/** Other names, order and units, and an hour that counts seconds: the same machines. */
const turn = (fleet: readonly Machine[]): string =>
  [
    'hum2,unit,"__proto__",clock,flow2',
    ...fleet.flatMap(({ rows }) =>
      rows.map(([unit, hour, heat, flow, hum]) =>
        [
          Number(hum) * -1e-9,
          unit,
          Number(heat) * -0.01 + 1e6,
          Number(hour) * 3600,
          Number(flow) * 1e5,
        ].join(),
      ),
    ),
  ].join('\n')

test('order, names and units of the tags and of the time do not change the remaining life', async () => {
  await writeFile(at('turned.csv'), turn(createFleet({ units: 24, seed: 1 })))
  const given = { in: at('turned.csv'), unitColumn: 'unit', timeColumn: 'clock', seed: 5 }
  const { manifest } = await trainLife({ ...given, out: at('turned') })
  expect(manifest.precision).toBe('float64')
  const fleet = createFleet({ units: 10, seed: 2, shown: () => 0.7 })
  const [, ...before] = await score(format(fleet))
  const [, ...after] = await score(turn(fleet), 'turned')
  after.forEach((cells, i) => {
    for (const column of [1, 2, 3])
      expect(Math.abs(Number(cells[column]) / 3600 - Number(before[i]![column]))).toBeLessThan(0.1)
  })
})

test('dates where the model has learned from numbers are refused: an hour is not a cycle', async () => {
  const failure = await score(`${HEADER}\nm1,2026-01-05,1,1,1,7\n`).catch((e) => e)
  expect(isFault(failure, 'table.invalid')).toBe(true)
  expect(failure.detail).toMatchObject({ row: 2, column: 'hour' })
})

test('histories of one row each are refused in words', async () => {
  const rows = Array.from({ length: 25 }, (_, i) => `m${i},1,${i},${i % 7},1,7`)
  await writeFile(at('single.csv'), [HEADER, ...rows].join('\n'))
  const failure = await trainLife({ in: at('single.csv'), out: at('no'), ...columns }).catch(
    (e) => e,
  )
  expect(failure.message).toContain('has a single row')
})

test('time in steps of six gives remaining life in the same unit', async () => {
  const [machine] = createFleet({ units: 1, seed: 9, shown: () => 0.8 })
  const slow = {
    ...machine!,
    rows: machine!.rows.map(([unit = '', hour, ...rest]) => [
      unit,
      String(Number(hour) * 6),
      ...rest,
    ]),
  }
  const fleet = createFleet({ units: 20, seed: 1 }).map((one) => ({
    ...one,
    rows: one.rows.map(([unit = '', hour, ...rest]) => [unit, String(Number(hour) * 6), ...rest]),
  }))
  await writeFile(at('slow.csv'), format(fleet))
  const { manifest } = await trainLife({ in: at('slow.csv'), out: at('slow'), ...columns })
  expect([manifest.step, manifest.cap]).toEqual([6, 750])
  const [, cells] = await score(format([slow]), 'slow')
  expect(Math.abs(Number(cells?.[1]) - 6 * slow.left)).toBeLessThan(6 * 25)
})

test('empty cells, a missing stretch and repeated rows move an estimate only a little', async () => {
  const fleet = createFleet({ units: 6, seed: 4, shown: () => 0.7 })
  const random = createRandom(8)
  const torn = fleet.map((machine) => ({
    ...machine,
    rows: machine.rows
      .filter((_, row) => row < 20 || row > 26)
      .map(([unit = '', hour = '', ...cells]) => [
        unit,
        hour,
        ...cells.map((cell) => (random() < 0.05 ? '' : cell)),
      ])
      .flatMap((row, i) => (i % 9 === 0 ? [row, row] : [row])),
  }))
  const [, ...whole] = await score(format(fleet))
  const [, ...holed] = await score(format(torn))
  holed.forEach((cells, i) => {
    expect(Math.abs(Number(cells[1]) - Number(whole[i]![1]))).toBeLessThan(15)
  })
})

test('a machine that sent nothing has no number', async () => {
  const [, cells] = await score(`${HEADER}\nm1,1,,,,\nm1,2,,,,\n`)
  expect(cells).toEqual(['m1', '', '', ''])
})

test('with fewer than 20 failures there is a health index with a trend, and no number of hours', async () => {
  await writeFile(at('few.csv'), format(createFleet({ units: 6, seed: 1 })))
  const { manifest } = await trainLife({ in: at('few.csv'), out: at('few'), ...columns })
  expect(manifest.kind).toBe('health-index')
  const shares = [0.3, 0.97]
  const fleet = createFleet({ units: 2, seed: 12, shown: () => shares.shift() ?? 1 })
  const [head, young, old] = await score(format(fleet), 'few')
  expect(head).toEqual(['unit', 'rul', 'rul_lo', 'rul_hi', 'health', 'trend_per_time'])
  expect([...young!.slice(1, 4), ...old!.slice(1, 4)].join('')).toBe('')
  expect(Number(young![4])).toBeLessThan(0.4)
  expect(Number(old![4])).toBeGreaterThan(0.7)
  expect(Number(old![5])).toBeGreaterThan(0)
})

test.each([
  [
    'a word where a number belongs',
    'm1,3,1,hot,1,7',
    4,
    'flow',
    '"hot" is not a number: leave an unknown cell empty, and a column of words out (--time names that of the times)',
  ],
  ['an empty time', 'm1,,1,1,1,7', 4, 'hour', 'the cell is empty'],
  ['an empty unit', ',3,1,1,1,7', 4, 'machine', 'the cell is empty'],
  ['a row that is too short', 'm1,3,1', 4, '-', '3 cells where the header has 6'],
])('%s is refused with its row and column', async (_, line, row, column, problem) => {
  await writeFile(at('bad.csv'), `${HEADER}\nm1,1,1,1,1,7\nm1,2,1,1,2,7\n${line}\n`)
  const failure = await trainLife({ in: at('bad.csv'), out: at('bad'), ...columns }).catch((e) => e)
  expect(isFault(failure, 'table.invalid')).toBe(true)
  expect(failure.detail).toMatchObject({ row, column, problem })
})

test('a table without a tag of the model is refused by its name', async () => {
  const failure = await score('machine,hour,heat,hum\nm1,1,1,1\n').catch((e) => e)
  expect(failure.detail).toMatchObject({ row: 1, column: 'flow' })
})
