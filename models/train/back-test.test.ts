/** Training in memory with progress and cancel, back-test by the live path, retraining with what was normal. */
import { expect, test } from 'vitest'
import { runBackTest } from './back-test.ts'
import { joinTables } from './join-tables.ts'
import { alarmsOf, createPlant, START, shareOf, trainPlant } from './plant.fixture.ts'
import { trainTable } from './train-table.ts'

const normal = createPlant({ rows: 900, seed: 1 })
const fault = (value: number, row: number, tag: number) =>
  tag === 2 && row >= 500 && row < 700 ? value + 60 : value

test('a training says what it does, in order, and ends at the whole', async () => {
  const seen: [string, number][] = []
  const onProgress = (phase: string, fraction: number) => seen.push([phase, fraction])
  await trainTable(normal, { name: 'x', seed: 1 }, { onProgress })
  expect(seen.map(([phase]) => phase)).toContain('held-out block 3 of 4')
  const fractions = seen.map(([, fraction]) => fraction)
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
  expect(seen.at(-1)).toEqual(['trained', 1])
})

test('a cancelled training stops at its next phase with the reason', async () => {
  const controller = new AbortController()
  const onProgress = (phase: string) => {
    if (phase.startsWith('held-out block 2')) controller.abort(new Error('cancelled by ina'))
  }
  const run = trainTable(normal, { name: 'x', seed: 1 }, { onProgress, signal: controller.signal })
  await expect(run).rejects.toThrow('cancelled by ina')
})

test('the back-test finds what the score finds: one alarm, its span, peak and tags', async () => {
  const model = await trainPlant(normal)
  const live = createPlant({ rows: 5000, seed: 2, change: fault })
  const { alarms, rows, unknownRows, alarmsPerWeek, series, from } = await runBackTest(model, live)
  expect({ rows, unknownRows, from }).toEqual({ rows: 5000, unknownRows: 11, from: START })
  expect(alarms.length).toBe(1)
  const [alarm] = alarms
  expect(Math.abs((alarm!.from - START) / 1000 - 508)).toBeLessThan(8)
  expect(Math.abs((alarm!.to - START) / 1000 - 715)).toBeLessThan(15)
  expect(alarm!.topTags[0]).toBe('t2+')
  expect(alarm!.peak).toBeGreaterThan(2)
  expect(alarmsPerWeek).toBeCloseTo((7 * 86_400) / 4989, 1)
  expect(series.at.length).toBe(1000)
  expect(Math.max(...series.ratio.map((one) => one ?? 0))).toBeCloseTo(alarm!.peak, 6)
})

test('alarms of planned maintenance are shown apart and count in no rate; one that outlasts it counts from its end', async () => {
  const model = await trainPlant(normal)
  const live = createPlant({ rows: 5000, seed: 2, change: fault })
  const at = (row: number) => START + row * 1000
  const plain = await runBackTest(model, live)
  expect(plain.maintenance).toBeUndefined()
  const around = [{ from: at(450), to: at(800), text: 'seal changed' }]
  const inside = await runBackTest(model, live, { work: around })
  expect(inside).toMatchObject({ alarms: [], alarmsPerWeek: 0, series: plain.series })
  expect(inside.maintenance).toEqual({ windows: around, alarms: plain.alarms })

  const begun = [{ from: at(450), to: at(600), text: 'seal changed' }]
  const late = await runBackTest(model, live, { work: begun })
  expect(late.maintenance!.alarms).toEqual([])
  expect(late.alarms).toMatchObject([{ from: at(600), to: plain.alarms[0]!.to }])
  expect(late.alarmsPerWeek).toBeCloseTo((7 * 86_400) / (4989 - 150), 1)

  const during = [{ from: at(560), to: at(2000), text: 'seal changed' }]
  const before = await runBackTest(model, live, { work: during })
  expect(before.alarms).toMatchObject([{ from: plain.alarms[0]!.from, to: at(559) }])
  expect(before.maintenance!.alarms).toEqual([])
})

test('what a person called normal is normal after a retraining with it, half a year apart', async () => {
  const other = (seed: number, from: number) => {
    const table = createPlant({
      rows: 900,
      seed,
      change: (value, _, tag) => (tag === 2 ? value + 60 : value),
    })
    table.at = table.at!.map((at) => at + from)
    return table
  }
  const HALF_YEAR = 180 * 86_400_000
  const joined = joinTables(normal, other(3, HALF_YEAR))
  expect(joined.rows).toBe(1800)
  const before = await trainPlant(normal)
  const after = await trainPlant(joined, { periodMs: 1000, keep: ['t2'] })
  const live = other(4, 0)
  expect(shareOf(await alarmsOf(before, live))).toBeGreaterThan(0.9)
  expect(shareOf(await alarmsOf(after, live))).toBeLessThan(0.01)
  expect(after.normal!.count).toBe(1801)
})

test('a row that is there twice counts once, the later table wins, and tags are matched by name', () => {
  const again = createPlant({ rows: 10, seed: 9 })
  const turned = { ...again, names: again.names.toReversed(), columns: again.columns.toReversed() }
  const joined = joinTables(normal, turned)
  expect(joined.rows).toBe(900)
  expect(joined.columns[1]![3]).toBe(again.columns[1]![3])
  expect(joined.columns[1]![10]).toBe(normal.columns[1]![10])
  expect(() => joinTables(normal, { ...again, names: ['a', 'b', 'c', 'd', 'e'] })).toThrow('t0')
})
