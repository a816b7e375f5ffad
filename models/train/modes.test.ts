/** One model per operating mode: split, unknown where nothing was learned, and never a score across a change. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scoreCommand, trainCommand } from '../commands.ts'
import { formatMode, SETTLE_ROWS } from '../modes.ts'
import { runBackTest } from './back-test.ts'
import { createModePlant, createVisits } from './modes.fixture.ts'
import { alarmsOf, shareOf, trainPlant } from './plant.fixture.ts'
import { type ScoredModel, scoreTable } from './score-table.ts'
import { readScoredModel } from './scored-folder.ts'
import type { Table } from './table.ts'
import { trainModes } from './train-modes.ts'

let dir: string
let model: ScoredModel
let said: string
const normal = createModePlant({ seed: 1, visits: [...createVisits(12), ['9', 200]] })

/** Modes as words where asked: "run" instead of 1. */
async function writeTable(name: string, table: Table, word = (mode: string) => mode) {
  const file = join(dir, name)
  const lines = Array.from({ length: table.rows }, (_, row) =>
    [
      table.at![row]! / 1000,
      word(table.modes![row]!),
      ...table.columns.map((c) => (Number.isNaN(c[row]) ? '' : c[row])),
    ].join(','),
  )
  await writeFile(file, `time,state,${table.names.join(',')}\n${lines.join('\n')}\n`)
  return file
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modes-'))
  const file = await writeTable('normal.csv', normal)
  said = await trainCommand({ in: file, out: join(dir, 'model'), mode: 'state', seed: 1 })
  model = await readScoredModel(join(dir, 'model'))
})
afterAll(() => rm(dir, { recursive: true }))

test('every mode with enough rows has a model, and one with too few is named', () => {
  expect(model.manifest.modes!.known.map(({ value }) => value)).toEqual(['1', '2', '0'])
  expect(model.manifest.modes!.tooFew).toEqual([{ value: '9', rows: 200 - SETTLE_ROWS }])
  expect(said).toContain('too few rows for a model, so unknown: 9 (197 rows)')
  expect(model.manifest.tags.map(({ name }) => name)).not.toContain('state')
})

test('a window lies whole in one mode: nothing is scored until then, and other modes stay unknown', async () => {
  const visits = [
    ['1', 40],
    ['2', 40],
    ['9', 40],
    ['7', 40],
    ['1', 40],
  ] as const
  const { scores } = await scoreTable(model, createModePlant({ seed: 2, visits }))
  const from = SETTLE_ROWS + model.manifest.windowRows - 1
  const expected = visits.flatMap(([mode, rows]) =>
    Array.from({ length: rows }, (_, row) => row >= from && (mode === '1' || mode === '2')),
  )
  expect(scores.map(Boolean)).toEqual(expected)
})

test('a relation that is right in one mode is a fault in another: one model for all sees nothing of it', async () => {
  const visits = createVisits(8)
  const clean = createModePlant({ seed: 3, visits })
  // In mode 1 pressure goes against the flow, as it may in mode 2 only.
  const wrong = createModePlant({
    ...{ seed: 3, visits },
    change: (value, row, tag) => (tag === 1 && clean.modes![row] === '1' ? 6 - value : value),
  })
  const alarmed = await alarmsOf(model, wrong)
  const inMode = (mode: string) => alarmed.filter((_, row) => wrong.modes![row] === mode)
  expect(shareOf(await alarmsOf(model, clean))).toBeLessThan(0.01)
  expect(shareOf(inMode('1'))).toBeGreaterThan(0.75)
  const { modes: _, ...one } = normal
  const single = await trainPlant(one)
  expect(shareOf(await alarmsOf(single, wrong))).toBeLessThan(0.02)
})

test('the back-test tells rows, unknown rows and alarms of each mode', async () => {
  const visits = [...createVisits(3), ['7', 50] as const]
  const change = (value: number, row: number, tag: number) =>
    tag === 3 && row >= 390 && row < 450 ? value + 8 : value
  const { modes, alarms } = await runBackTest(model, createModePlant({ seed: 4, visits, change }))
  expect(modes!.map(({ mode, rows }) => [mode, rows])).toEqual([
    ['0', 213],
    ['1', 360],
    ['2', 273],
    ['7', 50],
  ])
  expect(modes!.map(({ alarms: own }) => own)).toEqual([0, alarms.length, 0, 0])
  expect(alarms.length).toBe(1)
  expect(modes!.at(-1)).toMatchObject({ unknownRows: 50, learned: false })
})

test('the command scores words as it learned numbers of them, columns unchanged, and says what it never learned', async () => {
  const visits = [...createVisits(2), ['7', 60] as const]
  const table = createModePlant({ seed: 5, visits })
  const file = await writeTable('live.csv', table, (mode) => (mode === '1' ? 'TRUE' : `${mode}.0`))
  const out = join(dir, 'scores.csv')
  const text = await scoreCommand({ model: join(dir, 'model'), in: file, out })
  expect(text).toContain('never learned: mode 7')
  const [head, ...lines] = (await readFile(out, 'utf8')).trim().split('\n')
  expect(head).toBe('time,score,ratio,alarm,top_tags')
  const { scores } = await scoreTable(model, table)
  expect(lines.map((line) => line.split(',')[1] !== '')).toEqual(scores.map(Boolean))
})

test('a lone tag is judged by its own history in the mode, and bounds of one mode say nothing in another', async () => {
  const visits = Array.from({ length: 4 }, () => [['0', 220] as const, ['2', 240] as const]).flat()
  const lone = (table: Table): Table => ({
    ...table,
    names: ['power'],
    columns: [table.columns[2]!],
  })
  const options = { name: 'lone', seed: 1, modeTag: 'mode' }
  const trained = await trainModes(lone(createModePlant({ seed: 1, visits })), options)
  expect(trained.manifest).toMatchObject({ kind: 'one-tag', windowRows: 156 })
  expect(trained.manifest.modes!.known.map(({ value }) => value)).toEqual(['2', '0'])
  expect(trained.drifting).toBeUndefined()
  const own = { manifest: trained.manifest, bytes: trained.bytes }
  const inner = trained.inner!['modes/2']!
  const both = {
    ...own,
    modes: new Map([
      ['2', own],
      ['0', inner],
    ]),
  }
  const clean = lone(createModePlant({ seed: 2, visits }))
  expect(shareOf(await alarmsOf(both, clean))).toBeLessThan(0.01)
  // A leak while the machine rests: far below what it takes at work, far above what it takes at rest.
  const change = (value: number, row: number) => (row >= 640 && row < 680 ? value + 6 : value)
  const alarms = await alarmsOf(both, lone(createModePlant({ seed: 2, visits, change })))
  expect(alarms.indexOf(true)).toBeGreaterThanOrEqual(640)
  expect(alarms.indexOf(true)).toBeLessThan(655)
})

test('a lone tag whose modes are shorter than a window of it is refused in words', async () => {
  const table = createModePlant({ seed: 1, visits: createVisits(12) })
  const lone = { ...table, names: ['power'], columns: [table.columns[2]!] }
  await expect(trainModes(lone, { name: 'x', seed: 1, modeTag: 'mode' })).rejects.toThrow(
    'no value of mode has 300 rows in stretches of 156',
  )
})

test('a folder whose model of a mode was exchanged is refused', async () => {
  const copy = join(dir, 'model', 'modes', '2', 'model.onnx')
  const bytes = await readFile(copy)
  await writeFile(copy, await readFile(join(dir, 'model', 'modes', '3', 'model.onnx')))
  await expect(readScoredModel(join(dir, 'model'))).rejects.toThrow('SHA-256')
  await writeFile(copy, bytes)
})

test.each([
  [2, '2'],
  ['2.0', '2'],
  [' run ', 'run'],
  [true, '1'],
  ['False', '0'],
  [-0, '0'],
  [null, ''],
  [Number.NaN, ''],
])('%s is written as mode "%s"', (value, text) => {
  expect(formatMode(value)).toBe(text)
})
