/** Empty cells: filled by what the other tags let expect, within limits, and never a reason for an alarm. */
import { expect, test } from 'vitest'
import { createRandom } from './golden.ts'
import { alarmsOf, createPlant, shareOf, trainPlant } from './plant.fixture.ts'
import { createModelFiller, scoreTable } from './score-table.ts'
import type { Table } from './table.ts'

const model = await trainPlant(createPlant({ rows: 1500, seed: 1, tags: 8 }))
const live = createPlant({ rows: 800, seed: 2, tags: 8 })

function punch(table: Table, share: number, seed = 3): Table {
  const random = createRandom(seed)
  const columns = table.columns.map((column) =>
    column.map((value) => (random() < share ? Number.NaN : value)),
  )
  return { ...table, columns }
}

test('a filled cell is far nearer to the truth than the value of the row before', () => {
  const filler = createModelFiller(model)!
  const rowAt = (row: number) => live.columns.map((column) => column[row]!)
  let filled = 0
  let held = 0
  for (let row = 2; row < 800; row++) {
    const given = rowAt(row).with(3, Number.NaN)
    const got = filler.fill(given, [3], [rowAt(row - 1), rowAt(row - 2)])!
    filled += (got[3]! - rowAt(row)[3]!) ** 2
    held += (rowAt(row - 1)[3]! - rowAt(row)[3]!) ** 2
    expect(got.with(3, 0)).toEqual(Float64Array.from(given.with(3, 0)))
  }
  expect(Math.sqrt(filled / held)).toBeLessThan(0.3)
})

test('with too many cells empty, or without the rows before, it does not guess', () => {
  const filler = createModelFiller(model)!
  const row = live.columns.map((column) => column[5]!)
  expect(filler.fill(row, [0, 1, 2, 3, 4], [row, row])).toBeUndefined()
  expect(filler.fill(row, [0], [row])).toBeUndefined()
})

test('5 % of the cells empty, live and in training, raise no alarm and cost few scores', async () => {
  const holed = await trainPlant(punch(createPlant({ rows: 1500, seed: 1, tags: 8 }), 0.05))
  for (const by of [model, holed]) {
    const { alarms, scores } = await scoreTable(by, punch(live, 0.05))
    expect(shareOf(alarms)).toBeLessThan(0.01)
    expect(scores.filter((score) => score === undefined).length).toBeLessThan(40)
  }
})

test('a tag that stays empty is unknown after three rows, and no alarm', async () => {
  const columns = live.columns.map((column, tag) =>
    tag === 2 ? column.map((value, row) => (row >= 300 && row < 400 ? Number.NaN : value)) : column,
  )
  const { scores, alarms } = await scoreTable(model, { ...live, columns })
  expect(scores[302]).toBeDefined()
  expect(scores.slice(303, 411).every((score) => score === undefined)).toBe(true)
  expect(scores[411]).toBeDefined()
  expect(alarms.some(Boolean)).toBe(false)
})

test('without the kept rows cells are held as before, and a fault is seen through holes', async () => {
  expect(createModelFiller({ ...model, normal: undefined })).toBeUndefined()
  const broken = createPlant({
    rows: 800,
    seed: 2,
    tags: 8,
    change: (value, row, tag) => (tag === 5 && row > 500 ? value + 60 : value),
  })
  expect(shareOf((await alarmsOf(model, punch(broken, 0.05))).slice(520))).toBeGreaterThan(0.99)
})
