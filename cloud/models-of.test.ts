/** What the console is told of the model that speaks for an asset: above all, whether its score is partly a guess. */
import { expect, test } from 'vitest'
import type { Manifest } from '../models/manifest.ts'
import type { Flow } from './flow.ts'
import { describeModel } from './models-of.ts'
import type { ScoredBy, Scoring } from './scoring/scoring.ts'

/** Names of tags said to be filled when each was filled so many seconds ago. */
function filledBy(agoS: Record<string, number>, windowRows = 12): string[] | undefined {
  const tags = ['heat', 'flow', 'level'].map((name) => ({ name, mean: 0, scale: 1 }))
  const manifest = { name: 'press', tags, windowRows, periodMs: 1000, threshold: 2 } as Manifest
  const scored = {
    ...{ asset: 'press', id: 'mdl_1', version: 3, isPrimary: true, factor: 1, modelSha256: 'x' },
    ...{ manifest: { ...manifest, training: { rows: 900 } }, tags: {} },
  } as unknown as ScoredBy
  const scoring = { models: () => [scored] } as unknown as Scoring
  const flow: Pick<Flow, 'latestScore' | 'filledAt'> = {
    latestScore: () => undefined,
    filledAt: () =>
      new Map(Object.entries(agoS).map(([name, ago]) => [name, Date.now() - ago * 1000])),
  }
  return describeModel(scoring, { id: 'press', site: 'plant' }, flow)?.filled
}

test('names the tags that were filled in the last minute, in the order of the model', () => {
  expect(filledBy({ level: 1, heat: 40, flow: 100_000, gone: 1 })).toEqual(['heat', 'level'])
  expect(filledBy({})).toEqual([])
})

test('names them for as long as the window of the score holds a filled row', () => {
  expect(filledBy({ level: 600 })).toEqual([])
  expect(filledBy({ level: 600 }, 900)).toEqual(['level'])
})
