/** The read planner: legal, complete, and as few requests as can be. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Point } from './address.ts'
import { planReads, splitBlock } from './planner.ts'

const limits = { maxGap: 10, maxRegisters: 125, maxBits: 2000 }

function createPoint(address: number, count = 1, more: Partial<Point> = {}): Point {
  const base = { unit: 1, table: 'holding', encoding: 'uint16', bit: 0, byteOrder: 'ABCD' } as const
  return { ...base, address, count, ...more }
}

const plan = (points: Point[], more = {}) =>
  planReads({ points, wanted: points.map((_, i) => i), limits: { ...limits, ...more } })

const anyPoint = fc
  .record({
    address: fc.integer({ min: 0, max: 600 }),
    count: fc.integer({ min: 1, max: 8 }),
    unit: fc.integer({ min: 1, max: 2 }),
    table: fc.constantFrom<Point['table']>('holding', 'input', 'coil'),
  })
  .map(({ address, count, unit, table }) =>
    createPoint(address, table === 'coil' ? 1 : count, { unit, table }),
  )

test('every wanted point lies whole in exactly one block, and every block is a legal request', () => {
  fc.assert(
    fc.property(
      fc.array(anyPoint, { maxLength: 60 }),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 8, max: 125 }),
      (points, maxGap, maxRegisters) => {
        const blocks = plan(points, { maxGap, maxRegisters })
        const covered = blocks.flatMap((block) => block.points).sort((a, b) => a - b)
        expect(covered).toEqual(points.map((_, i) => i))
        for (const block of blocks) {
          expect(block.count).toBeGreaterThan(0)
          expect(block.count).toBeLessThanOrEqual(block.table === 'coil' ? 2000 : maxRegisters)
          for (const i of block.points) {
            const point = points[i]!
            expect([point.unit, point.table]).toEqual([block.unit, block.table])
            expect(point.address).toBeGreaterThanOrEqual(block.address)
            expect(point.address + point.count).toBeLessThanOrEqual(block.address + block.count)
          }
        }
      },
    ),
  )
})

/** The fewest blocks by trying every way to cut the sorted points into runs. */
function fewest(points: Point[], maxGap: number, maxRegisters: number): number {
  const sorted = [...points].sort((a, b) => a.address - b.address || a.count - b.count)
  const best = [0]
  for (let end = 1; end <= sorted.length; end++) {
    best[end] = Number.POSITIVE_INFINITY
    for (let start = 0; start < end; start++) {
      const run = sorted.slice(start, end)
      let reach = run[0]!.address
      const isLegal = run.every((point) => {
        const isNear = point.address - reach <= maxGap
        reach = Math.max(reach, point.address + point.count)
        return isNear && reach - run[0]!.address <= maxRegisters
      })
      if (isLegal) best[end] = Math.min(best[end]!, best[start]! + 1)
    }
  }
  return best[sorted.length]!
}

test('no cut of the sorted points into runs needs fewer requests', () => {
  const points = fc.array(
    fc
      .record({ address: fc.integer({ min: 0, max: 120 }), count: fc.integer({ min: 1, max: 4 }) })
      .map(({ address, count }) => createPoint(address, count)),
    { maxLength: 14 },
  )
  fc.assert(
    fc.property(points, fc.integer({ min: 0, max: 8 }), (it, maxGap) => {
      expect(plan(it, { maxGap, maxRegisters: 20 }).length).toBe(fewest(it, maxGap, 20))
    }),
  )
})

test('a hundred and twenty-five registers are one request, one more makes two', () => {
  const points = Array.from({ length: 126 }, (_, i) => createPoint(i))
  expect(plan(points.slice(0, 125)).map((it) => it.count)).toEqual([125])
  expect(plan(points).map((it) => it.count)).toEqual([125, 1])
})

test('a gap of the allowed size is read over, a wider or a barred one is not', () => {
  expect(plan([createPoint(0), createPoint(11)])).toHaveLength(1)
  expect(plan([createPoint(0), createPoint(12)])).toHaveLength(2)
  const points = [createPoint(0), createPoint(11)]
  const seen: object[] = []
  const isBarred = (area: object) => seen.push(area) > 0
  expect(planReads({ points, wanted: [0, 1], limits, isBarred })).toHaveLength(2)
  expect(seen).toEqual([{ unit: 1, table: 'holding', address: 1, count: 10 }])
})

test('a block is halved between points, never through one', () => {
  const points = [createPoint(0, 4), createPoint(4, 4), createPoint(8, 2)]
  const [block] = plan(points)
  const halves = splitBlock(block!, points)
  expect(halves?.map(({ address, count }) => [address, count])).toEqual([
    [0, 4],
    [4, 6],
  ])
  expect(splitBlock(halves![0], points)).toBeUndefined()
})
