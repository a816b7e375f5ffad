/** When certificates are renewed. */
import { expect, test } from 'vitest'
import { dueAt, retryMs, spreadOf } from './schedule.ts'

const DAY_MS = 86_400_000
const life = { from: 0, until: 30 * DAY_MS }

test('a certificate of thirty days is renewed between day 20 and day 22.5, each gateway at its own time', () => {
  const spreads = Array.from({ length: 200 }, (_, i) =>
    spreadOf({ site: 'plant', gateway: `gw${i}` }),
  )
  const days = spreads.map((spread) => dueAt(life, spread) / DAY_MS)
  expect(Math.min(...days)).toBeGreaterThanOrEqual(20)
  expect(Math.max(...days)).toBeLessThan(22.5)
  // Of 200 gateways no quarter of the spread is without its share.
  for (const quarter of [0, 1, 2, 3]) {
    expect(spreads.filter((it) => Math.floor(it * 4) === quarter).length).toBeGreaterThan(25)
  }
  expect(spreadOf({ site: 'plant', gateway: 'gw1' })).toBe(spreads[1])
})

test('a failure is tried again within a quarter of an hour, later once a day, every six hours near the end', () => {
  const wait = (failures: number, day: number) => retryMs(failures, life, day * DAY_MS, 0.9999)
  expect(wait(1, 20)).toBeLessThan(17 * 60_000)
  expect(wait(50, 21)).toBeLessThanOrEqual(DAY_MS)
  expect(wait(50, 21)).toBeGreaterThan(DAY_MS * 0.9)
  expect(wait(50, 27.5)).toBeLessThanOrEqual(DAY_MS / 4)
  expect(wait(50, 45)).toBeLessThanOrEqual(DAY_MS / 4)
})
