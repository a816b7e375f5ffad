/** The schedule's arithmetic for any rate, and the runner on the real clock. */
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextInstant, phaseOf, runSchedule, skippedBetween } from './schedule.ts'

const rate = fc.integer({ min: 1, max: 100_000 }).chain((intervalMs) =>
  fc.record({
    intervalMs: fc.constant(intervalMs),
    phaseMs: fc.integer({ min: 0, max: intervalMs - 1 }),
  }),
)

test('the next instant lies on the grid, after now, and no later than one interval', () => {
  fc.assert(
    fc.property(rate, fc.integer({ min: 0, max: 1e12 }), (it, nowMs) => {
      const next = nextInstant(it, nowMs)
      expect(next).toBeGreaterThan(nowMs)
      expect(next - nowMs).toBeLessThanOrEqual(it.intervalMs)
      expect((next - it.phaseMs) % it.intervalMs).toBe(0)
    }),
  )
})

test('after a stall the missed instants are counted, not made up for', () => {
  const it = { intervalMs: 100, phaseMs: 30 }
  const before = nextInstant(it, 1000)
  const after = nextInstant(it, before + 750)
  expect(after).toBe(before + 800)
  expect(skippedBetween(it, before, after)).toBe(7)
  expect(skippedBetween(it, before, nextInstant(it, before + 1))).toBe(0)
})

test('groups of one interval are spread over it, each always at the same place', () => {
  const phases = Array.from({ length: 200 }, (_, i) => phaseOf(`device-${i}/fast`, 1000))
  expect(phases.every((phase) => phase >= 0 && phase < 1000)).toBe(true)
  expect(phaseOf('device-7/fast', 1000)).toBe(phases[7])
  const tenths = Array.from(
    { length: 10 },
    (_, i) => phases.filter((phase) => Math.floor(phase / 100) === i).length,
  )
  expect(Math.min(...tenths)).toBeGreaterThan(0)
  expect(Math.max(...tenths)).toBeLessThan(60)
})

test('a tick that takes longer than its interval never overlaps the next, and there is no burst after it', async () => {
  const stop = new AbortController()
  let running = 0
  let most = 0
  const starts: number[] = []
  let skipped = 0
  const tick = async (it: { skipped: number }) => {
    most = Math.max(most, ++running)
    starts.push(performance.now())
    skipped += it.skipped
    if (starts.length === 1) await sleep(200)
    running--
    if (starts.length === 5) stop.abort()
  }
  await runSchedule({ intervalMs: 20, phaseMs: 0 }, tick, stop.signal)
  expect(most).toBe(1)
  expect(skipped).toBeGreaterThanOrEqual(8)
  const instants = starts.map((at) => Math.floor(at / 20))
  expect(new Set(instants).size).toBe(instants.length)
})

test('aborting ends the wait, and what a tick throws comes out', async () => {
  const stop = new AbortController()
  const running = runSchedule({ intervalMs: 3_600_000, phaseMs: 0 }, () => {}, stop.signal)
  stop.abort()
  await running
  const failing = runSchedule(
    { intervalMs: 1, phaseMs: 0 },
    () => Promise.reject(new Error('broken')),
    new AbortController().signal,
  )
  await expect(failing).rejects.toThrow('broken')
})
