/** Windows on a fixed grid: late, missing, stale and bad samples, and the refill after a gap. */
import { expect, test } from 'vitest'
import type { Filler } from '../../models/train/fill.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import { type AssetWindow, createWindow, type DueRow } from './window.ts'

const flow: TagId = 'plant/gw/plc/flow'
const heat: TagId = 'plant/gw/plc/heat'

const create = (lagMs = 0) =>
  createWindow({
    tags: [
      { tag: flow, name: 'Flow' },
      { tag: heat, name: 'Heat' },
    ],
    periodMs: 1000,
    windowRows: 3,
    lagMs,
    maxAgeMs: 3000,
  })

const sample = (tag: TagId, at: number, value: Sample['value']): Sample => ({
  tag,
  at,
  value,
  quality: quality.good,
})

const show = (row: DueRow | undefined) =>
  row === undefined ? row : 'window' in row ? [...row.window] : row.reason

test('three complete rows make a window, oldest row first, tags in order', () => {
  const window = create()
  const seen = [1, 2, 3, 4].map((second) => {
    window.accept(sample(heat, second * 1000, second * 10))
    window.accept(sample(flow, second * 1000, second))
    return show(window.advance(second * 1000)[0])
  })
  expect(seen).toEqual([
    'the window is filling: 1 of 3 rows',
    'the window is filling: 2 of 3 rows',
    [1, 10, 2, 20, 3, 30],
    [2, 20, 3, 30, 4, 40],
  ])
})

test('an instant takes the last sample at or before it, never one from after', () => {
  const window = create()
  for (const [at, value] of [
    [900, 1],
    [400, 9],
    [1001, 2],
    [1999, 3],
    [2001, 99],
  ] as const)
    window.accept(sample(flow, at, value))
  window.accept(sample(heat, 1000, 7))
  window.advance(1000)
  window.accept(sample(heat, 3000, 7))
  window.accept(sample(flow, 3000, 4))
  expect(show(window.advance(3000).at(-1))).toEqual([1, 7, 3, 7, 4, 7])
})

test('instants are held back until their late samples have had the time to come', () => {
  const window = create(1500)
  window.accept(sample(heat, 1000, 0))
  window.accept(sample(flow, 1000, 1))
  expect(window.advance(2499)).toEqual([expect.objectContaining({ at: 0 })])
  window.accept(sample(flow, 2000, 2))
  window.accept(sample(flow, 3000, 3))
  window.accept(sample(heat, 3000, 5))
  window.accept(sample(heat, 2000, 4))
  const due = window.advance(4500)
  expect(due.map(({ at }) => at)).toEqual([1000, 2000, 3000])
  expect(show(due[2])).toEqual([1, 0, 2, 4, 3, 5])
})

test('a tag silent for more than three periods is named, and the window refills afterwards', () => {
  const window = create()
  const seen: unknown[] = []
  for (let second = 1; second <= 12; second++) {
    window.accept(sample(flow, second * 1000, second))
    if (second <= 3 || second >= 9) window.accept(sample(heat, second * 1000, 1))
    seen.push(show(window.advance(second * 1000)[0]))
  }
  expect(seen[5]).toEqual([4, 1, 5, 1, 6, 1])
  expect(seen.slice(6)).toEqual([
    'Heat has no sample for 3000 ms',
    'Heat has no sample for 3000 ms',
    'the window is filling: 1 of 3 rows',
    'the window is filling: 2 of 3 rows',
    [9, 1, 10, 1, 11, 1],
    [10, 1, 11, 1, 12, 1],
  ])
})

test.each([
  ['bad', { quality: quality.bad, value: null }, 'Heat has bad quality'],
  ['bad with a value', { quality: quality.bad, value: 20 }, 'Heat has bad quality'],
  ['stale', { quality: quality.stale, value: 20 }, 'Heat is stale'],
  ['text', { value: 'hot' }, 'Heat is not a number'],
  ['infinite', { value: Number.POSITIVE_INFINITY }, 'Heat is not a number'],
])('a %s sample is never used, even with a good one just before it', (_, change, reason) => {
  const window = create()
  window.accept(sample(flow, 1000, 1))
  window.accept(sample(heat, 500, 20))
  window.accept({ ...sample(heat, 900, 20), ...change })
  expect(show(window.advance(1000)[0])).toBe(reason)
})

test('a tag that never came is named', () => {
  const window = create()
  window.accept(sample(flow, 1000, 1))
  expect(show(window.advance(1000)[0])).toBe('Heat has no sample yet')
})

test('booleans and 64-bit integers count as numbers', () => {
  const window = create()
  for (const at of [1000, 2000, 3000]) {
    window.accept(sample(flow, at, true))
    window.accept(sample(heat, at, 12n))
    window.advance(at)
  }
  window.accept(sample(flow, 4000, false))
  expect(show(window.advance(4000)[0])).toEqual([1, 12, 1, 12, 0, 12])
})

test('after a long sleep only the recent instants are worked off, and nothing bridges the hole', () => {
  const window = create()
  for (const at of [1000, 2000, 3000])
    for (const tag of [flow, heat]) window.accept(sample(tag, at, 1))
  window.advance(1000)
  expect(show(window.advance(3000).at(-1))).toHaveLength(6)
  const due = window.advance(3_600_000)
  expect(due).toHaveLength(60)
  expect(due.every((row) => 'reason' in row)).toBe(true)
})

test('a clock that steps back repeats no instant', () => {
  const window = create()
  window.advance(5000)
  expect(window.advance(3000)).toEqual([])
  expect(window.advance(6000).map(({ at }) => at)).toEqual([6000])
})

test('a clock that was an hour ahead and is set right does not silence the asset for that hour', () => {
  const window = create()
  for (const now of [3_600_000, 3_601_000]) window.advance(now)
  const late = [1000, 2000, 3000, 4000].flatMap((now) => {
    for (const tag of [flow, heat]) window.accept(sample(tag, now, 1))
    return window.advance(now)
  })
  expect(late.map(({ at }) => at)).toEqual([1000, 2000, 3000, 4000])
  expect('window' in late.at(-1)!).toBe(true)
})

/** Answers a number that nobody sent, and notes what it was asked. */
function createAsked() {
  const asked: unknown[] = []
  const filler = {
    fill(row: ArrayLike<number>, empty: readonly number[], earlier: readonly ArrayLike<number>[]) {
      asked.push([Array.from(row), [...empty], earlier.map((one) => Array.from(one))])
      return Float64Array.from(row, (value, tag) => (empty.includes(tag) ? 99 : value))
    },
  }
  return { asked, filler }
}

/** Twelve rows of a window are ten scored ones and two before: what a filler looks back to. */
const createFilled = (filler: Filler | undefined) =>
  createWindow({
    tags: [
      { tag: flow, name: 'Flow' },
      { tag: heat, name: 'Heat' },
    ],
    ...{ periodMs: 1000, windowRows: 12, lagMs: 0, maxAgeMs: 3000, filler: () => filler },
  })

/** Rows at 1, 2, … s; heat is bad in these seconds. */
function feed(window: AssetWindow, seconds: number, bad: readonly number[]): DueRow[] {
  return Array.from({ length: seconds }, (_, i) => i + 1).flatMap((second) => {
    window.accept(sample(flow, second * 1000, second))
    const own = bad.includes(second) ? { quality: quality.bad, value: 5 } : {}
    window.accept({ ...sample(heat, second * 1000, second * 10), ...own })
    return window.advance(second * 1000)
  })
}

test('an empty cell after whole rows is filled by the others, named, and its own sample is not looked at', () => {
  const { asked, filler } = createAsked()
  const due = feed(createFilled(filler), 12, [12])
  expect(asked).toEqual([
    [
      [12, 110],
      [1],
      [
        [11, 110],
        [10, 100],
      ],
    ],
  ])
  expect(due.at(-1)).toMatchObject({ filled: ['Heat'], row: new Float32Array([12, Number.NaN]) })
  expect((show(due.at(-1)) as number[]).slice(-4)).toEqual([11, 110, 12, 99])
})

test('three rows in a row are filled, the fourth is unknown with the reason, and the window fills anew', () => {
  const due = feed(createFilled(createAsked().filler), 17, [13, 14, 15, 16])
  expect(due.slice(11).map((one) => ('filled' in one ? one.filled : one.reason))).toEqual([
    ...[[], ['Heat'], ['Heat'], ['Heat']],
    ...['Heat has bad quality', 'the window is filling: 1 of 12 rows'],
  ])
})

test('a window says which of its rows were filled in part until they have left it, and not after it filled anew', () => {
  const due = feed(createFilled(createAsked().filler), 45, [13, 27, 28, 29, 30])
  const told = new Map(
    due.map((one) => [one.at / 1000, 'window' in one ? one.windowFilled.join() : 'unknown']),
  )
  const at = (...seconds: number[]) => seconds.map((second) => told.get(second))
  expect(at(12, 13, 24, 25)).toEqual(['', 'Heat', 'Heat', ''])
  expect(at(26, 29, 30, 41, 42)).toEqual(['', 'Heat', 'unknown', 'unknown', ''])
})

test.each([
  ['there is no filler yet', undefined, [12]],
  ['the rows before are too few', createAsked().filler, [2]],
  ['the filler finds too many of them empty', { fill: () => undefined }, [12]],
])('an empty cell is unknown while %s', (_, filler, bad) => {
  const due = feed(createFilled(filler), 12, bad)
  expect(due.find(({ at }) => at === bad[0]! * 1000)).toMatchObject({
    reason: 'Heat has bad quality',
  })
})
