/** Marks where a tag's mean moved: one a step, none for a gap, bad data or noise. */
import { expect, test } from 'vitest'
import { createRandom } from '../../models/train/golden.ts'
import { quality } from '../../protocol/model.ts'
import { openStore } from '../store/store.ts'
import { createLevelChanges, type LevelBucket, markChanges } from './level-changes.ts'

const ROWS = 400
const grid = { from: 0, stepMs: 1000, rows: ROWS }

/** A bucket a second around a level, undefined where nothing came. */
function bucketsOf(level: (row: number) => number | undefined): LevelBucket[] {
  const random = createRandom(3)
  return Array.from({ length: ROWS }, (_, row) => row).flatMap((row) => {
    const value = level(row)
    const mean = (value ?? 0) + random() - 0.5
    return value === undefined ? [] : [{ at: row * 1000, mean, quality: quality.good }]
  })
}

test('a step is marked once, near its row, with the means before and after', () => {
  const [mark, ...more] = markChanges(
    bucketsOf((row) => (row < 200 ? 40 : 46)),
    grid,
  )
  expect(more).toEqual([])
  expect(Math.abs(mark!.at - 200_000)).toBeLessThanOrEqual(3000)
  expect([mark!.before, mark!.after].map(Math.round)).toEqual([40, 46])
})

test('noise, and a level that changed while nothing came, have no mark', () => {
  expect(
    markChanges(
      bucketsOf(() => 40),
      grid,
    ),
  ).toEqual([])
  const gap = bucketsOf((row) => (row < 180 ? 40 : row < 200 ? undefined : 46))
  expect(markChanges(gap, grid)).toEqual([])
})

test('bad and stale values make no mark, whatever they hold, and none over them', () => {
  for (const worst of [quality.bad, quality.stale]) {
    const wild = bucketsOf(() => 40).map((one, row) =>
      row >= 200 && row < 230 ? { ...one, mean: 900, quality: worst } : one,
    )
    expect(markChanges(wild, grid)).toEqual([])
    const over = bucketsOf((row) => (row < 200 ? 40 : 46)).map((one, row) =>
      row === 200 ? { ...one, quality: worst } : one,
    )
    expect(markChanges(over, grid)).toEqual([])
  }
})

test('a tag that comes every fifth row is compared at its own pace', () => {
  const rows = 2000
  const slow = Array.from({ length: rows / 5 }, (_, i) => {
    return { at: i * 5000, mean: i < 200 ? 3 : 4 + (i % 2) / 100, quality: quality.good }
  })
  const marks = markChanges(slow, { ...grid, rows })
  expect(marks).toHaveLength(1)
  expect(Math.abs(marks[0]!.at - 1_000_000)).toBeLessThanOrEqual(15_000)
})

test('marks carry name and unit of their tag and lie in the range that was asked for', async () => {
  await using store = await openStore({ file: ':memory:' })
  await store.db
    .insertInto('tags')
    .values({
      ...{ id: 'p/g/d/heat', site: 'p', gateway: 'g', device: 'd', name: 'heat' },
      ...{ type: 'Double', unit: '°C' },
    })
    .execute()
  const history = {
    async range({ from, to, points }: { from: number; to: number; points: number }) {
      const stepMs = (to - from) / points
      return Array.from({ length: points }, (_, i) => {
        const at = from + i * stepMs
        return { at, mean: at < 300_000 ? 40 : at < 900_000 ? 50 : 60, quality: quality.good }
      })
    },
  }
  const changes = createLevelChanges({ store, history })
  const found = await changes.of(['p/g/d/heat'], { from: 400_000, to: 1_360_000 })
  expect(found).toEqual([
    { tag: 'p/g/d/heat', name: 'heat', unit: '°C', at: 900_000, before: 50, after: 60 },
  ])
})
