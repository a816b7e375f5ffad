/** Models of failure modes: named when it is known, "none" when it was never seen, refused when labels say nothing. */
import { expect, test } from 'vitest'
import { isFault } from '../../../protocol/kit/fault.ts'
import { openFeatureSession } from '../feature-session.ts'
import { createExamples, createWindows, measure, normal, tags } from './cases.fixture.ts'
import { averageRows, medianRows } from './fit-failures.ts'
import type { Example } from './reference-distance.ts'
import { type FailureTable, type TrainedFailures, trainFailures } from './train-failures.ts'
import { decide, NONE } from './verdict.ts'
import { findWindowEnds, measureWindow, standardise, WINDOW_ROWS } from './windows.ts'

const modes = ['fouling', 'leak']
const table = (examples: Example[]): FailureTable => ({
  ...{ name: 'press', tags, periodMs: 1000, modes, examples, normal, seed: 1, notes: '' },
})
const examples = createExamples(['normal', ...modes], 4)
const trained = await trainFailures(table(examples))

/** By the written graph alone, as live does. */
async function say({ bytes, manifest }: TrainedFailures, state: string, seed: number) {
  const outputs = ['shares', 'strangeness']
  await using session = await openFeatureSession({ bytes, input: 'features', outputs })
  const windows = createWindows(state, seed).map((one) => standardise(measure(one), normal))
  const features = Float32Array.from(windows.flatMap((one) => Array.from(one)))
  const [shares, strangeness] = await session.run(features, windows.length)
  const width = manifest.classes.length
  const rows = (values: Float32Array | undefined) =>
    windows.map((_, i) => Array.from(values?.subarray(i * width, (i + 1) * width) ?? []))
  const looks = {
    shares: averageRows(rows(shares)),
    strangeness: medianRows(rows(strangeness)),
  }
  const verdict = decide(looks, manifest.leastShare)
  return { ...verdict, name: manifest.classes[verdict.said]?.name }
}

test('cases held out are named rightly, and live windows of a known mode get its name by the graph', async () => {
  const { metrics, classes } = trained.manifest
  expect(metrics.right).toBeGreaterThanOrEqual(7)
  expect(metrics).toMatchObject({ cases: 8, majority: 0.5, unseen: 8 })
  expect(classes.map(({ name, cases }) => [name, cases])).toEqual([
    ['', 4],
    ['fouling', 4],
    ['leak', 4],
  ])
  for (const [i, mode] of modes.entries())
    expect(await say(trained, mode, 500 + i)).toMatchObject({ name: mode })
  expect(await say(trained, 'normal', 510)).toMatchObject({ name: '' })
})

test('a failure mode that was left out of the training is never named', async () => {
  for (let seed = 600; seed < 612; seed++)
    expect(await say(trained, 'bearing', seed)).toMatchObject({ said: NONE, isStrange: true })
})

test('the same cases give the same bytes, faithful to the trainer, with the confusion on the card', async () => {
  const again = await trainFailures(table(examples))
  expect(Buffer.compare(again.bytes, trained.bytes)).toBe(0)
  expect(trained.difference).toBeLessThan(1e-3)
  expect(trained.card).toContain('| was | said normal operation | said fouling | said leak | none')
})

test('labels that say nothing are refused with what always naming one mode would reach', async () => {
  const mixed = examples.map((one) => {
    const number = Number(one.stretch.split(' ')[1])
    return one.label === 0 ? one : { ...one, label: 1 + (number % 2) }
  })
  const failure = await trainFailures(table(mixed)).catch((error) => error)
  expect(isFault(failure, 'model.not-trainable')).toBe(true)
  expect(failure.message).toMatch(/of 8 cases held out were named rightly, always naming/)
})

test('a window with too few rows of a tag says nothing and names the tag', () => {
  const [window = new Float64Array()] = createWindows('normal', 3)
  for (let row = 0; row < WINDOW_ROWS / 3; row++) window[row * tags.length + 2] = Number.NaN
  expect(measureWindow({ width: tags.length, values: window })).toEqual({ tag: 2 })
})

test('an alarm is looked at from its half window on, in eight windows at most, and a short one at its end', () => {
  expect(findWindowEnds({ from: 0, to: 10_000 }, 1000)).toEqual([10_000])
  const ends = findWindowEnds({ from: 0, to: 600_000 }, 1000)
  expect([ends[0], ends.at(-1), ends.length]).toEqual([30_000, 600_000, 8])
  expect(findWindowEnds({ from: 0, to: 9_000_000 }, 1000)[0]).toBe(5_400_000)
})
