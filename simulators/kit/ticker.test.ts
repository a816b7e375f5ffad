/** The ticker skips nothing, whatever the clock does. */
import { expect, it, vi } from 'vitest'
import { openTicker } from './ticker.ts'

it('catches up late ticks in order, each with the instant it was due', async () => {
  let time = 1000
  const ticks: [number, number][] = []
  using _ticker = openTicker({
    periodMs: 10,
    now: () => time,
    tick: (at, count) => ticks.push([at, count]),
  })
  time = 1035
  await vi.waitFor(() => expect(ticks.length).toBe(3), 5000)
  expect(ticks).toEqual([
    [1010, 1],
    [1020, 2],
    [1030, 3],
  ])
})

it('goes on from now after a jump of the clock, without a hole in its count', async () => {
  let time = 0
  const ticks: [number, number][] = []
  using _ticker = openTicker({
    periodMs: 10,
    now: () => time,
    tick: (at, count) => ticks.push([at, count]),
  })
  time = 3_600_000
  await vi.waitFor(() => expect(ticks.length).toBe(1), 5000)
  expect(ticks).toEqual([[3_600_000, 1]])
})
