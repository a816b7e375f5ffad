/** Drift is not a fault: the tags move together and stay, their relations hold. */
import { expect, test } from 'vitest'
import { type DriftVerdict, nextDrift, noDrift, readDrift } from './drift.ts'
import { createPlant, type PlantOptions, START, trainPlant } from './plant.fixture.ts'
import { scoreTable } from './score-table.ts'

const ROWS = 1600
const SHIFT_AT = 400
const model = await trainPlant(createPlant({ rows: 1600, seed: 1, tags: 16 }))

/** From 0 to 1 within 40 rows. */
const settle = (row: number) => Math.min(1, Math.max(0, (row - SHIFT_AT) / 40))

/** What drift and alarm say at the end of live rows that change at row 400. */
async function follow(change: Partial<PlantOptions>): Promise<DriftVerdict & { alarmed: number }> {
  const table = createPlant({ rows: ROWS, seed: 2, tags: 16, ...change })
  const { scores, alarms } = await scoreTable(model, table)
  let state = noDrift
  for (let row = 0; row < ROWS; row++) {
    const values = table.columns.map((column) => column[row]!)
    const { ratio, contributions } = scores[row] ?? {}
    state = nextDrift(
      state,
      { at: START + row * 1000, values, ratio, contributions },
      model.manifest,
    )
  }
  return { ...readDrift(state, model.manifest), alarmed: alarms.filter(Boolean).length }
}

test('a plant as it was has no drift', async () => {
  expect(await follow({})).toEqual({ state: 'none', since: null, tags: [], alarmed: 0 })
})

test('a load that settles at another level is drift and no alarm, with how far and since when', async () => {
  const found = await follow({ load: (row) => 0.6 * settle(row) })
  expect(found).toMatchObject({ state: 'drift', alarmed: 0 })
  expect(found.tags.length).toBe(5)
  for (const { shift } of found.tags) expect(shift).toBeGreaterThan(1)
  expect(found.since).toBe(START + SHIFT_AT * 1000)
})

test('a load far outside of the training alarms, and is still told apart from a fault', async () => {
  const found = await follow({ load: (row) => (row < SHIFT_AT ? 0 : 2.5) })
  expect(found.state).toBe('drift')
  expect(found.alarmed).toBeGreaterThan(800)
})

test('one tag that leaves the others is a fault and no drift', async () => {
  const found = await follow({
    change: (value, row, tag) => (row >= SHIFT_AT && tag === 3 ? value + 40 : value),
  })
  expect(found).toMatchObject({ state: 'fault', since: null, tags: [] })
  expect(found.alarmed).toBeGreaterThan(800)
})

test('a level that goes back leaves no drift behind, and too few known rows say nothing', async () => {
  const back = await follow({ load: (row) => (row >= SHIFT_AT && row < 800 ? 2 : 0) })
  expect(back.state).toBe('none')
  let state = noDrift
  for (let row = 0; row < 1600; row++)
    state = nextDrift(state, { at: row, values: undefined, ratio: undefined }, model.manifest)
  expect(readDrift(state, model.manifest).state).toBe('unknown')
})
