/** Marks where the mean moved. */
import { expect, test } from 'vitest'
import { findChangePoints } from './change-point.ts'
import { createRandom } from './golden.ts'

function noise(rows: number, level: (row: number) => number): number[] {
  const random = createRandom(5)
  return Array.from({ length: rows }, (_, row) => level(row) + random() + random() - 1)
}

test('a step is marked once, near its row, with its size and sign', () => {
  const found = findChangePoints(noise(400, (row) => (row < 200 ? 10 : 7)))
  expect(found.length).toBe(1)
  expect(Math.abs(found[0]!.row - 200)).toBeLessThanOrEqual(3)
  expect(found[0]!.shift).toBeLessThan(-5)
})

test('noise has no mark, and a constant none either', () => {
  expect(findChangePoints(noise(1000, () => 0))).toEqual([])
  expect(findChangePoints(new Array(300).fill(4))).toEqual([])
})

test('other units and a far larger level change nothing; empty rows are passed over', () => {
  const plain = noise(400, (row) => (row < 150 ? 0 : 4))
  const turned = plain.map((value) => 1e9 - 1000 * value)
  expect(findChangePoints(turned).map(({ row }) => row)).toEqual(
    findChangePoints(plain).map(({ row }) => row),
  )
  const holed = plain.map((value, row) => (row % 7 === 3 ? Number.NaN : value))
  expect(Math.abs(findChangePoints(holed)[0]!.row - 150)).toBeLessThanOrEqual(5)
})

test('a short visit to another level is marked on the way out and on the way back, with both levels', () => {
  const found = findChangePoints(noise(400, (row) => (row >= 200 && row < 230 ? 3 : 10)))
  expect(found.map(({ before, after }) => [before, after].map(Math.round))).toEqual([
    [10, 3],
    [3, 10],
  ])
  expect(found.map(({ row }) => Math.round(row / 5) * 5)).toEqual([200, 230])
})

test('a load that comes and goes is no change of level', () => {
  expect(findChangePoints(noise(900, (row) => (row % 30 < 15 ? 10 : 3)))).toEqual([])
})
