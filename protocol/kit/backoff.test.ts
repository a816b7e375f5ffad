/** Waiting between tries: growing, capped, spread, and cut short by a signal. */
import { expect, test } from 'vitest'
import { backoffMs, pause } from './backoff.ts'

const options = { minMs: 500, maxMs: 60_000 }

test('F02: a day of refusals is met with a few thousand tries, not with a storm', () => {
  const DAY_MS = 86_400_000
  const waits: number[] = []
  for (let waited = 0; waited < DAY_MS; waited += waits.at(-1) ?? 0) {
    waits.push(backoffMs(waits.length, options, Math.random()))
  }
  expect(waits.length).toBeLessThan(DAY_MS / 30_000 + 10)
  expect(Math.max(...waits)).toBeLessThanOrEqual(60_000)
  expect(waits[0]).toBeLessThanOrEqual(500)
})

test('five hundred gateways that lost their broker at once do not come back at once', () => {
  const waits = Array.from({ length: 500 }, (_, i) => backoffMs(7, options, i / 500))
  expect(Math.min(...waits)).toBe(30_000)
  expect(Math.max(...waits)).toBeGreaterThan(59_000)
  expect(new Set(waits).size).toBe(500)
})

test('a signal ends the wait, before or during it', async () => {
  const stop = new AbortController()
  const waiting = pause(30, options, stop.signal)
  stop.abort()
  expect(await waiting).toBe(false)
  expect(await pause(30, options, stop.signal)).toBe(false)
  expect(await pause(0, { minMs: 1, maxMs: 1 }, new AbortController().signal)).toBe(true)
})
