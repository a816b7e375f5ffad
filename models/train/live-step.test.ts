/** Live values with fewer digits than the training's: noticed from the first rows, whatever the units. */
import { expect, test } from 'vitest'
import { adaptToSteps, createStepWatch } from './live-step.ts'
import { alarmsOf, createPlant, shareOf, trainPlant } from './plant.fixture.ts'
import { scoreTable } from './score-table.ts'

/** A tag that rests within a few hundredths, tied to the others to the last digit: rounding breaks its relation. */
const tie = (value: number, _: number, tag: number) => (tag === 4 ? 3 + value / 500 : value)
const round = (value: number, row: number, tag: number) =>
  Math.round(tie(value, row, tag) * 100) / 100
const normal = createPlant({ rows: 1500, seed: 1, change: tie })
const model = await trainPlant(normal)
const rounded = createPlant({ rows: 900, seed: 2, change: round })

test('rounded live values are noticed, the model is made anew, and no alarm is due to rounding', async () => {
  const blind = await scoreTable({ ...model, normal: undefined }, rounded)
  expect(shareOf(blind.alarms)).toBeGreaterThan(0.5)
  const { alarms, adaptations } = await scoreTable(model, rounded)
  expect(adaptations.length).toBe(1)
  expect(adaptations[0]!.row).toBeLessThan(64)
  expect(adaptations[0]!.steps).toEqual({ t4: expect.closeTo(0.01, 9) })
  expect(shareOf(alarms)).toBeLessThan(0.01)
})

test('what is made anew is what a training that had been told would have made', async () => {
  const adapted = await adaptToSteps(model.manifest, model.normal!, { steps: { t4: 0.01 } })
  const told = await trainPlant(normal, { resolution: { t4: 0.01 } })
  expect(adapted!.manifest.threshold).toBe(told.manifest.threshold)
  expect(adapted!.manifest.tags).toEqual(told.manifest.tags)
})

test('a fault is still seen at the coarser step', async () => {
  const broken = createPlant({
    rows: 900,
    seed: 2,
    change: (value, row, tag) => round(value, row, tag) + (tag === 1 && row >= 500 ? 40 : 0),
  })
  expect(shareOf((await alarmsOf(model, broken)).slice(520))).toBeGreaterThan(0.99)
})

test('in other units, turned round and renamed, the alarms are the same', async () => {
  const turn = (table: typeof normal) => ({
    ...table,
    names: table.names.map((name) => `z${name}`),
    columns: table.columns.map((column, tag) =>
      column.map((value) => value * (-1) ** tag * 7 ** (tag - 2) + 11 * tag),
    ),
  })
  const plain = await scoreTable(model, rounded)
  const turned = await scoreTable(await trainPlant(turn(normal)), turn(rounded))
  expect(turned.adaptations.map(({ row }) => row)).toEqual(plain.adaptations.map(({ row }) => row))
  const same = turned.alarms.filter((alarm, row) => alarm === plain.alarms[row]).length
  expect(same / 900).toBeGreaterThanOrEqual(0.995)
})

test('live values as fine as the training change nothing, and a frozen sensor is no coarse step', async () => {
  const fine = createPlant({ rows: 900, seed: 2, change: tie })
  expect((await scoreTable(model, fine)).adaptations).toEqual([])
  const frozen = createPlant({
    rows: 900,
    seed: 2,
    change: (value, row, tag) => (tag === 4 && row < 40 ? 3.51 : tie(value, row, tag)),
  })
  expect((await scoreTable(model, frozen)).adaptations).toEqual([])
})

/** All others in whole numbers; `t4` in tenths, which it never leaves, or at another single value. */
const coarse = (single?: number) =>
  createPlant({
    rows: 900,
    seed: 2,
    change: (value, row, tag) =>
      tag === 4
        ? (single ?? Math.round(tie(value, row, tag) * 10) / 10)
        : Math.round(tie(value, row, tag)),
  })

test('a tag that rests within one step is no stuck one where the others are coarser too', async () => {
  const blind = await scoreTable({ ...model, normal: undefined }, coarse())
  expect(shareOf(blind.alarms)).toBeGreaterThan(0.5)
  const { alarms, adaptations } = await scoreTable(model, coarse())
  const steps = Object.assign({}, ...adaptations.map((one) => one.steps))
  expect(Object.keys(steps)).toContain('t4')
  expect(shareOf(alarms)).toBeLessThan(0.1)
})

test('one value far from all of the training stays a fault, however coarse the others are', async () => {
  const { alarms, adaptations } = await scoreTable(model, coarse(9))
  expect(adaptations.every(({ steps }) => !('t4' in steps))).toBe(true)
  expect(shareOf(alarms.slice(200))).toBeGreaterThan(0.99)
})

test('a tag that shows too little stays open for 64 rows at most', () => {
  const watch = createStepWatch(model.manifest, model.normal)
  const settled = Array.from({ length: 70 }, (_, row) => {
    watch.accept(rounded.columns.map((column, tag) => (tag === 4 ? 3.51 : column[row]!)))
    return watch.isSettled()
  })
  expect(settled.indexOf(true)).toBe(63)
})
