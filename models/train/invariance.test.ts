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
