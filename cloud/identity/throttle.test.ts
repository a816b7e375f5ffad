/** How long failed tries must wait. */
import { describe, expect, it } from 'vitest'
import { createThrottle } from './throttle.ts'

const keys = [{ key: 'anna', free: 2 }]

describe('throttle', () => {
  it('doubles the wait with every failure, up to a quarter of an hour', () => {
    const throttle = createThrottle()
    let now = 0
    const waits: number[] = []
    for (let failures = 0; failures < 12; failures += 1) {
      expect(throttle.take(keys, now).waitMs).toBe(0)
      // A try that must wait is not counted, so asking again tells the wait.
      if (failures === 0) continue
      const { waitMs } = throttle.take(keys, now)
      waits.push(waitMs)
      now += waitMs
    }
    expect(waits.slice(0, 5)).toEqual([10_000, 20_000, 40_000, 80_000, 160_000])
    expect(waits.at(-1)).toBe(15 * 60_000)
  })

  it('starts afresh after a good try, and after an hour of quiet', () => {
    const throttle = createThrottle()
    for (let tries = 0; tries < 2; tries += 1) throttle.take(keys, 0)
    expect(throttle.take(keys, 0).waitMs).toBe(10_000)
    throttle.forgive(keys)
    expect(throttle.take(keys, 0).waitMs).toBe(0)
    throttle.take(keys, 0)
    expect(throttle.take(keys, 0).waitMs).toBe(10_000)
    expect(throttle.take(keys, 3_600_001).waitMs).toBe(0)
    expect(throttle.take(keys, 3_600_001).waitMs).toBe(0)
  })

  it('forgets the oldest key when its memory is full', () => {
    const throttle = createThrottle(2)
    for (const key of ['a', 'a', 'b', 'c']) throttle.take([{ key, free: 2 }], 0)
    expect(throttle.take([{ key: 'a', free: 2 }], 0).waitMs).toBe(0)
  })
})
