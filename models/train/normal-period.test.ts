/** What is proposed as normal, and what is left out with its reason. */
import { expect, test } from 'vitest'
import { type NormalQuestion, proposeNormal } from './normal-period.ts'
import { createPlant, START } from './plant.fixture.ts'

const at = (row: number) => START + row * 1000
const ask = (question: Partial<NormalQuestion> = {}) =>
  proposeNormal({
    table: createPlant({ rows: 1000, seed: 1 }),
    periodMs: 1000,
    exclude: [],
    ...question,
  })

test('a history without trouble is normal as a whole', () => {
  const { periods, excluded, rows, rowsWanted, enough } = ask()
  expect(periods).toEqual([{ from: at(0), to: at(999) }])
  expect({ excluded, rows, rowsWanted, enough }).toEqual({
    excluded: [],
    rows: 1000,
    rowsWanted: 300,
    enough: true,
  })
})

test('alarms and maintenance are cut out, and so is the start after a long one', () => {
  const exclude = [{ from: at(200), to: at(300), reason: 'alarm' }]
  const { periods, excluded, rows } = ask({ exclude })
  expect(excluded).toEqual([
    { from: at(200), to: at(300), reason: 'alarm' },
    { from: at(301), to: at(330), reason: 'start-up after a stop' },
  ])
  expect(periods).toEqual([
    { from: at(0), to: at(199) },
    { from: at(331), to: at(999) },
  ])
  expect(rows).toBe(869)
})

test('a gap, a dead tag and an outlier each have their reason', () => {
  const table = createPlant({
    rows: 1000,
    seed: 1,
    change: (value, row, tag) =>
      tag === 2 && row >= 500 && row < 520
        ? Number.NaN
        : tag === 1 && row === 800
          ? value + 1e4
          : value,
  })
  table.at = table.at!.map((instant, row) => (row < 250 ? instant : instant + 3_600_000))
  const reasons = ask({ table }).excluded.map(({ reason }) => reason)
  expect(reasons).toEqual([
    'no data',
    'start-up after a stop',
    't2 has no good value',
    't1 is far from its usual values',
  ])
})

test('too little is said to be too little', () => {
  const table = createPlant({ rows: 320, seed: 1 })
  const exclude = [{ from: at(100), to: at(130), reason: 'case' }]
  expect(ask({ table, exclude })).toMatchObject({ enough: false })
})

test('a peak that comes back with every load cycle is operation, not an event', () => {
  const change = (value: number, row: number, tag: number) =>
    tag === 1 && row % 30 < 2 ? value + 1e4 : value
  const table = createPlant({ rows: 1000, seed: 1, change })
  expect(ask({ table })).toMatchObject({ excluded: [], rows: 1000 })
})
