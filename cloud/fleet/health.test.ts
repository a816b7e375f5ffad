/** One word about an asset: why it is unknown, and how old a score may be. */
import { expect, test } from 'vitest'
import { quality } from '../../protocol/model.ts'
import { type HealthFacts, judgeHealth } from './health.ts'

const NOW = 1_700_000_000_000
const facts: HealthFacts = {
  ...{ hasModel: true, isScoring: true, activeAlarms: 0, offline: [], now: NOW },
  ratio: { tag: 's/cloud/a/Model/Ratio', at: NOW - 5_000, value: 0.4, quality: quality.good },
}

test('a score of five minutes ago is old, unless its model is as slow', () => {
  const ratio = { ...facts.ratio!, at: NOW - 300_000 }
  expect(judgeHealth(facts).health).toBe('normal')
  expect(judgeHealth({ ...facts, ratio }).health).toBe('unknown')
  expect(judgeHealth({ ...facts, ratio, freshMs: 900_000 }).health).toBe('normal')
})

test('a model that cannot be used, and a tag that is missing, are said in their own words', () => {
  const why = 'The model press version 1 is not what was registered: model.onnx was changed.'
  const broken = judgeHealth({ ...facts, isScoring: false, ratio: undefined, why })
  expect(broken).toEqual({ health: 'unknown', healthReason: why, ratio: null })
  const ratio = { ...facts.ratio!, value: null, quality: quality.bad }
  expect(judgeHealth({ ...facts, ratio, why: 'PS1 is stale' }).healthReason).toBe('PS1 is stale')
})
