/** A graph that says something else than its trainer is refused at training time. */
import { expect, test } from 'vitest'
import type { Manifest } from '../manifest.ts'
import { type Detector, fitDetector, scoreSegments } from './detector.ts'
import { encodeDetector, INPUT_NAME, OUTPUT_NAMES } from './detector-graph.ts'
import { checkFaithful } from './faithful.ts'
import { fittedDetector } from './fitted.ts'
import { createGolden, createRandom } from './golden.ts'
import type { Rows } from './grid.ts'

const width = 5
const random = createRandom(1)
const values = Float64Array.from({ length: 400 * width }, () => 100 + random())
const rows: Rows = { width, count: 400, values, startAt: 0, periodMs: 1000 }
const detector = fitDetector(rows, [[0, 400]], { lags: 2, resolutions: new Float64Array(width) })
const { ends } = scoreSegments(detector, rows, [[0, 400]])
const fitted = fittedDetector(detector)
const golden = createGolden({ detector: fitted, rows, ends, threshold: 1.5, seed: 1 })
const manifest = {
  input: INPUT_NAME,
  outputs: OUTPUT_NAMES,
  windowRows: 12,
  tags: Array.from({ length: width }, (_, i) => ({ name: `t${i}`, mean: 0, scale: 1 })),
} as Manifest

const check = (written: Detector) => {
  const bytes = encodeDetector(written, 1.5, {})
  return checkFaithful({ bytes, manifest, detector: fitted, rows, ends, golden })
}

test('the graph of the detector itself passes with float32 precision', async () => {
  expect(await check(detector)).toBeLessThan(1e-4)
})

test('a graph whose distances are one percent off is refused', async () => {
  const whiten = detector.whiten.map((value) => value * 1.01)
  await expect(check({ ...detector, whiten })).rejects.toThrow('differs from its trainer')
})

test('a graph that answers no number is refused', async () => {
  const whiten = detector.whiten.map(() => Number.NaN)
  await expect(check({ ...detector, whiten })).rejects.toThrow('differs from its trainer')
})
