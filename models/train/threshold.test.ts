/** The threshold comes from blocks that the fit has not seen. */
import { expect, test } from 'vitest'
import { quantile } from '../quantiles.ts'
import { fitDetector, scoreSegments } from './detector.ts'
import { createRandom } from './golden.ts'
import type { Rows } from './grid.ts'
import { calibrate } from './threshold.ts'

/** Independent noise: many tags and few rows, where an in-sample distance flatters itself. */
function createNoise(count: number, width: number, seed: number): Rows {
  const random = createRandom(seed)
  const values = Float64Array.from({ length: count * width }, () => random() + random() - 1)
  return { width, count, values, startAt: 0, periodMs: 1000 }
}

test('on few rows the held-out threshold stands above the in-sample one, and fresh rows stay below it', async () => {
  const rows = createNoise(320, 20, 1)
  const options = { lags: 2, resolutions: new Float64Array(20) }
  const { threshold, quantiles } = (await calibrate(rows, [[0, 320]], options))!
  const detector = fitDetector(rows, [[0, 320]], options)
  const inSample = scoreSegments(detector, rows, [[0, 320]]).scores.map(({ score }) => score)
  expect(threshold).toBeGreaterThan(1.15 * quantile(inSample, 0.99))
  expect(threshold).toBeCloseTo(1.15 * quantile(quantiles, 0.5), 12)
  const fresh = scoreSegments(detector, createNoise(2000, 20, 2), [[0, 2000]]).scores
  const share = (limit: number) => fresh.filter(({ score }) => score > limit).length / fresh.length
  expect(share(threshold)).toBeLessThan(0.02)
  expect(share(quantile(inSample, 0.99))).toBeGreaterThan(0.5)
})

test('one rare regime does not lift the threshold of all others', async () => {
  const calm = createNoise(800, 4, 3)
  const options = { lags: 1, resolutions: new Float64Array(4) }
  const before = (await calibrate(calm, [[0, 800]], options))!.threshold
  for (let i = 0; i < 100 * 4; i++) calm.values[i] = 30 * (calm.values[i] ?? 0)
  const after = (await calibrate(calm, [[0, 800]], options))!
  expect(Math.max(...after.quantiles)).toBeGreaterThan(5 * after.threshold)
  expect(after.threshold).toBeLessThan(1.5 * before)
})

test('without a stretch that holds a window there is no threshold', async () => {
  const segments = Array.from({ length: 40 }, (_, i): [number, number] => [i * 10, i * 10 + 8])
  const options = { lags: 2, resolutions: new Float64Array(3) }
  expect(await calibrate(createNoise(400, 3, 1), segments, options)).toBeUndefined()
})
