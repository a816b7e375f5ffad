/** When an asset counts as one that cannot be judged, who is to blame, and when nothing is said. */
import { expect, test } from 'vitest'
import { quality } from '../../protocol/model.ts'
import type { ScoringResult } from './result.ts'
import { createUnjudgedWatch, type UnjudgedReport } from './unjudged-watch.ts'
import type { MissingTag } from './window.ts'

const START = Date.UTC(2026, 10, 1)
const MINUTE = 60_000
const heat = (problem: MissingTag['problem']) => [{ name: 'Heat', problem }]

type Row = Partial<Pick<ScoringResult, 'state' | 'reason' | 'filling' | 'missing'>>

function open(periodMs = 1000) {
  const watch = createUnjudgedWatch({ siteOf: () => 'plant', periodMsOf: () => periodMs })
  const result = (at: number, row: Row): ScoringResult => ({
    ...{ asset: 'press', model: 'mdl_1', stage: 'active', isPrimary: true, at, state: 'scored' },
    ...{ row: new Float32Array(2), contributions: [], breaches: [], samples: [], ...row },
  })
  /** A row each `periodMs` of [from, to) minutes. */
  const feed = (from: number, to: number, rowOf: (row: number) => Row): UnjudgedReport[] => {
    const reports: UnjudgedReport[] = []
    for (let at = from * MINUTE, i = 0; at < to * MINUTE; at += periodMs, i++)
      reports.push(...watch.accept([result(START + at, rowOf(i))]))
    return reports
  }
  return { watch, feed }
}

/** Heat is bad in every second row, and the window fills for ever. */
const halfBad = (row: number): Row =>
  row % 2 === 0
    ? { state: 'unknown', reason: 'Heat has bad quality', missing: heat('bad') }
    : { state: 'unknown', reason: 'the window is filling: 1 of 12 rows', filling: true }

test('a tag that is bad in every second row is named with its share after half an hour, once a minute', () => {
  const { watch, feed } = open()
  const early = feed(0, 30, halfBad)
  expect(early).toHaveLength(29)
  expect(new Set(early.map(({ sample }) => sample.quality))).toEqual(new Set([quality.bad]))
  expect(watch.of('press')).toMatchObject({ share: 1, tags: [{ name: 'Heat', problem: 'bad' }] })
  const [report] = feed(30, 31, halfBad)
  expect(report).toMatchObject({
    ...{ asset: 'press', causes: ['Heat:bad in 50 % of the rows'] },
    sample: { tag: 'plant/cloud/press/Model/Unjudged', value: 1, quality: quality.good },
  })
})

test('an hour after the sensor was mended nothing of it is left', () => {
  const { watch, feed } = open()
  feed(0, 40, halfBad)
  feed(40, 110, () => ({}))
  expect(watch.of('press')).toMatchObject({ share: 0, tags: [] })
})

test('a machine that is off is no row to judge, one whose tags are all bad is', () => {
  const both = (problem: MissingTag['problem']) => [
    ...heat(problem),
    { name: 'Flow', problem: 'silent' } as const,
  ]
  const off = open()
  off.feed(0, 60, () => ({ state: 'unknown', reason: 'x', missing: both('stale') }))
  expect(off.watch.of('press')).toBeUndefined()
  const broken = open()
  broken.feed(0, 60, () => ({ state: 'unknown', reason: 'x', missing: both('bad') }))
  expect(broken.watch.of('press')).toMatchObject({ share: 1 })
})

test('where no tag is to blame the reason is told instead', () => {
  const { feed } = open()
  const reports = feed(0, 40, (row) =>
    row % 3 === 0
      ? { state: 'unknown', reason: 'mode "wash" was never learned' }
      : { state: 'unknown', reason: 'mode "run" begins', filling: true },
  )
  expect(reports.at(-1)?.causes).toEqual(['mode "wash" was never learned'])
})

test('a model of ten minutes is judged by its last sixty rows', () => {
  const { watch, feed } = open(10 * MINUTE)
  feed(0, 290, halfBad)
  expect(watch.of('press')).toBeUndefined()
  feed(290, 310, halfBad)
  expect(watch.of('press')?.share).toBe(1)
})

test('a slow version after a fast one is judged at its own pace', () => {
  const paces: Record<string, number> = { fast: 1000, slow: 10 * MINUTE }
  const watch = createUnjudgedWatch({
    siteOf: () => 'plant',
    periodMsOf: (model) => paces[model],
  })
  const say = (model: string, minute: number) =>
    watch.accept([
      {
        ...{ asset: 'press', model, stage: 'active', isPrimary: true, state: 'unknown' },
        ...{ at: START + minute * MINUTE, reason: 'x', missing: heat('bad') },
        ...{ row: new Float32Array(2), contributions: [], breaches: [], samples: [] },
      },
    ])
  for (let minute = 0; minute < 10; minute++) say('fast', minute)
  for (let minute = 10; minute <= 310; minute += 10) say('slow', minute)
  expect(watch.of('press')?.share).toBe(1)
})

test('a clock that is set back leaves no hour of the future behind', () => {
  const { watch, feed } = open()
  feed(600, 660, halfBad)
  feed(0, 60, () => ({}))
  expect(watch.of('press')).toMatchObject({ share: 0 })
})
