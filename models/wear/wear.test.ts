/** Service dates and lives of parts against published figures and seeded histories. */
import { describe, expect, it } from 'vitest'
import { type CounterPoint, forecastLimit, studentQuantile95 } from './forecast.ts'
import { fitWeibull, type PartLife, remainingCount } from './weibull.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)

/** Uniform numbers in (0, 1), the same every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296
  }
}

/** A till: few receipts on Mondays, many on Saturdays, each day by chance. */
function tradeOf(random: () => number, day: number): number {
  const weekday = [0.6, 0.8, 0.9, 1, 1.3, 1.8, 0][day % 7] ?? 1
  return Math.round(200 * weekday * (0.5 + random()))
}

describe('a service forecast', () => {
  it('is the day itself for a counter that runs evenly', () => {
    const points = Array.from({ length: 30 }, (_, day) => ({
      at: START + day * DAY,
      count: day * 10,
    }))
    expect(forecastLimit(points, 500)).toEqual({
      forecast: {
        perDay: expect.closeTo(10, 6),
        early: expect.closeTo(START + 50 * DAY, -3),
        expected: expect.closeTo(START + 50 * DAY, -3),
        late: expect.closeTo(START + 50 * DAY, -3),
      },
    })
  })

  it('holds the true day in its 90 % interval as often as it says, over weeks with their days', () => {
    let inside = 0
    const runs = 300
    for (let seed = 1; seed <= runs; seed++) {
      const random = seeded(seed)
      const points: CounterPoint[] = [{ at: START, count: 0 }]
      let count = 0
      for (let day = 0; day < 56; day++) {
        count += tradeOf(random, day)
        points.push({ at: START + (day + 1) * DAY, count })
      }
      const limit = count + 9000
      let day = 56
      for (; count < limit; day++) count += tradeOf(random, day)
      const answer = forecastLimit(points, limit)
      if (!('forecast' in answer)) continue
      const { early, late = Number.POSITIVE_INFINITY } = answer.forecast
      const truth = START + day * DAY
      // The counter passes its limit somewhere within the last day.
      if (early <= truth && late >= truth - DAY) inside++
    }
    expect(inside / runs).toBeGreaterThan(0.85)
    expect(inside / runs).toBeLessThan(0.99)
  })

  it('says why there is none', () => {
    const at = (days: number, count: number) => ({ at: START + days * DAY, count })
    const resting = Array.from({ length: 20 }, (_, day) => at(day, 7))
    expect(forecastLimit([], 10)).toEqual({ reason: 'nothing was counted yet' })
    expect(forecastLimit([at(0, 1), at(1, 2)], 10)).toEqual({
      reason: 'it was watched for too short a time',
    })
    expect(forecastLimit(resting, 10)).toEqual({
      reason: 'it did not count in the time it was watched',
    })
    const slow = Array.from({ length: 20 }, (_, day) => at(day, day))
    expect(forecastLimit(slow, 1e6)).toEqual({ reason: 'the limit is more than twenty years away' })
  })

  it('is the day it was passed for a limit that was passed', () => {
    const points = Array.from({ length: 20 }, (_, day) => ({ at: START + day * DAY, count: day }))
    expect(forecastLimit(points, 5)).toMatchObject({ forecast: { expected: START + 5 * DAY } })
  })

  it('knows Student’s quantiles', () => {
    expect(studentQuantile95(7)).toBeCloseTo(1.895, 2)
    expect(studentQuantile95(19)).toBeCloseTo(1.729, 3)
  })
})

/** 23 ball bearings, millions of revolutions: Lieblein and Zelen 1956, in many textbooks. */
const bearings = [
  17.88, 28.92, 33.0, 41.52, 42.12, 45.6, 48.48, 51.84, 51.96, 54.12, 55.56, 67.8, 68.64, 68.64,
  68.88, 84.12, 93.12, 98.64, 105.12, 105.84, 127.92, 128.04, 173.4,
].map((count): PartLife => ({ count, failed: true }))

describe('lives of parts', () => {
  it('finds the published fit of the ball bearings: shape 2.10, scale 81.9', () => {
    expect(fitWeibull(bearings)).toEqual({
      shape: expect.closeTo(2.102, 3),
      scale: expect.closeTo(81.88, 2),
      failures: 23,
    })
  })

  it('learns from parts that still run: without them lives look too short', () => {
    const random = seeded(7)
    const lives = Array.from({ length: 2000 }, (): PartLife => {
      const life = 1000 * (-Math.log(random())) ** (1 / 3)
      return { count: Math.min(life, 800), failed: life <= 800 }
    })
    const fit = fitWeibull(lives)
    expect(fit?.shape).toBeCloseTo(3, 0)
    expect(Math.abs((fit?.scale ?? 0) - 1000)).toBeLessThan(30)
    const without = fitWeibull(lives.filter(({ failed }) => failed))
    expect(without?.scale).toBeLessThan(800)
  })

  it('is scaled with its unit, and refuses to guess from four failures', () => {
    const fit = fitWeibull(bearings)
    const millions = fitWeibull(bearings.map((one) => ({ ...one, count: one.count * 1e6 })))
    expect(millions?.shape).toBeCloseTo(fit?.shape ?? 0, 9)
    expect((millions?.scale ?? 0) / (fit?.scale ?? 1)).toBeCloseTo(1e6, 0)
    expect(fitWeibull(bearings.slice(0, 4))).toBeUndefined()
    expect(fitWeibull(Array(9).fill({ count: 5, failed: true }))).toBeUndefined()
  })

  it('leaves an old part less than a new one where parts wear, and the same where only chance rules', () => {
    const wearing = { shape: 3, scale: 1000, failures: 9 }
    const chance = { shape: 1, scale: 1000, failures: 9 }
    expect(remainingCount(wearing, 0, 0.5)).toBeCloseTo(1000 * Math.log(2) ** (1 / 3), 6)
    expect(remainingCount(wearing, 900, 0.5)).toBeLessThan(remainingCount(wearing, 100, 0.5))
    expect(remainingCount(chance, 900, 0.5)).toBeCloseTo(remainingCount(chance, 0, 0.5), 6)
  })
})
