/** Names, order, units and the seed of a training do not decide what alarms. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alarmsOf, createPlant, shareOf, trainPlant } from './plant.fixture.ts'
import type { Table } from './table.ts'
import { trainTable } from './train-table.ts'

const fault = (value: number, row: number, tag: number) =>
  tag === 1 && row >= 400 && row < 520 ? value + 25 : value
const normal = createPlant({ rows: 600, seed: 1 })
const live = createPlant({ rows: 700, seed: 2, change: fault })
const plain = await alarmsOf(await trainPlant(normal), live)

const transforms = fc.record({
  order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5, maxLength: 5 }),
  factors: fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 5, maxLength: 5 }),
  offsets: fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 5, maxLength: 5 }),
})

test('permuted, renamed, and in other units: 99.5 % of the alarms are equal', async () => {
  expect(shareOf(plain)).toBeGreaterThan(0.1)
  const property = fc.asyncProperty(transforms, async ({ order, factors, offsets }) => {
    const turn = (table: Table): Table => ({
      ...table,
      names: order.map((tag) => `x${tag}`),
      columns: order.map((tag, i) => {
        const factor = (tag % 2 === 0 ? 1 : -1) * 10 ** (factors[i] ?? 0)
        return table.columns[tag]!.map((value) => value * factor + (offsets[i] ?? 0) * factor)
      }),
    })
    const turned = await alarmsOf(await trainPlant(turn(normal)), turn(live))
    const same = turned.filter((alarm, row) => alarm === plain[row]).length
    expect(same / plain.length).toBeGreaterThanOrEqual(0.995)
  })
  await fc.assert(property, { numRuns: 12, seed: 7 })
})

/** Where float32 has no digits left for the movement, or no number for the value at all. */
const extremes = [
  { what: 'a large offset', turn: (value: number) => value / 100 + 1e6 },
  { what: 'huge numbers', turn: (value: number) => value * -1e40 },
  { what: 'tiny numbers', turn: (value: number) => value * 1e-45 },
]

test.each(extremes)(
  '$what: 99.5 % of the alarms are equal, filled cells and kept rows too',
  async ({ turn }) => {
    const holed = (table: Table): Table => ({
      ...table,
      columns: table.columns.map((column, tag) =>
        column.map((value, row) => ((row * 7 + tag * 3) % 61 === 0 ? Number.NaN : value)),
      ),
    })
    const all = (table: Table): Table => ({
      ...table,
      columns: table.columns.map((one) => one.map(turn)),
    })
    const before = await alarmsOf(await trainPlant(holed(normal)), holed(live))
    const model = await trainPlant(all(holed(normal)))
    expect(model.manifest.precision).toBe('float64')
    const after = await alarmsOf(model, all(holed(live)))
    expect(shareOf(before)).toBeGreaterThan(0.1)
    expect(
      after.filter((alarm, row) => alarm === before[row]).length / before.length,
    ).toBeGreaterThan(0.995)
  },
)

test('a tag that was always 0 is seen when it wakes up, in any unit', async () => {
  const asleep = (table: Table, from = table.rows): Table => ({
    ...table,
    names: [...table.names, 'pump'],
    columns: [
      ...table.columns,
      Float64Array.from({ length: table.rows }, (_, row) => (row < from ? 0 : 1e-6)),
    ],
  })
  const quietLive = createPlant({ rows: 700, seed: 2 })
  const alarms = await alarmsOf(await trainPlant(asleep(normal)), asleep(quietLive, 600))
  expect(alarms.slice(0, 600)).not.toContain(true)
  expect(alarms.slice(620).every(Boolean)).toBe(true)
})

test('the same input gives the same bytes; the seed moves the golden rows only', async () => {
  const make = async (seed: number) => await trainTable(normal, { name: 'x', seed })
  const [one, again, other] = [await make(1), await make(1), await make(2)]
  expect(again.bytes).toEqual(one.bytes)
  expect(again.manifest).toEqual(one.manifest)
  expect(again.golden).toEqual(one.golden)
  expect(again.normal).toEqual(one.normal)
  expect(other.bytes).toEqual(one.bytes)
  expect(other.golden).not.toEqual(one.golden)
})
