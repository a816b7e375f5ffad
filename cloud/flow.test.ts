/** What an alarm is told of its score; what the report says of a tag before and after. */
import { describe, expect, it } from 'vitest'
import { quality, type Sample, type Value } from '../protocol/model.ts'
import type { Cause } from './alarms/alarm-view.ts'
import { createFlow, type FlowOptions, summarise } from './flow.ts'
import type { ScoringResult } from './scoring/result.ts'

const tag = 'site/gateway/press/Cooler' as const
const sample = (at: number, value: Value | null, q: Sample['quality'] = quality.good): Sample => {
  return { tag, at, value, quality: q }
}
const holding = (samples: readonly Sample[]) => ({
  raw: async (_: string, from: number, to: number) =>
    samples.filter(({ at }) => at >= from && at < to),
})
const span = { from: 1_000_000, to: 1_060_000 }

it('an alarm is told which tags were filled anywhere in the window that raised it, not in its last row only', async () => {
  const causes: (Cause | undefined)[] = []
  const result: ScoringResult = {
    ...{
      asset: 'press',
      model: 'mdl_1',
      stage: 'active',
      isPrimary: false,
      at: 1,
      state: 'scored',
    },
    ...{ row: new Float32Array(2), contributions: [], breaches: [], samples: [sample(1, 2)] },
    ...{ filled: [], windowFilled: ['Heat'] },
  }
  const parts = {
    config: { fleet: { assets: [] } },
    historian: { write: async () => ({ rejected: [] }) },
    scoring: { tick: async () => [result] },
    alarms: { accept: async (_: unknown, cause?: Cause) => void causes.push(cause) },
    models: { accept: () => [] },
    show: () => undefined,
  }
  await createFlow(parts as unknown as FlowOptions).score(1)
  expect(causes).toEqual([{ contributions: [], breaches: [], filled: ['Heat'] }])
})

it('neither a full disk nor the trouble of one asset keeps the scores of the others from their alarms', async () => {
  const told: string[] = []
  const compared: number[] = []
  const result = (asset: string): ScoringResult => ({
    ...{ asset, model: 'mdl_1', stage: 'active', isPrimary: true, at: 1, state: 'scored' },
    ...{ row: new Float32Array(2), contributions: [], breaches: [] },
    samples: [{ ...sample(1, 2), tag: `site/cloud/${asset}/Model/Ratio` }],
  })
  const parts = {
    config: { fleet: { assets: [] } },
    historian: { write: () => Promise.reject(new Error('the disk is full')) },
    scoring: { tick: async () => [result('press'), result('twin')] },
    alarms: {
      async accept(samples: Sample[]) {
        const tag = samples[0]?.tag ?? ''
        if (tag.includes('press')) throw new Error('its row is gone')
        told.push(tag)
      },
    },
    cases: { acceptRatio: async () => undefined },
    models: {
      accept(all: unknown[]) {
        compared.push(all.length)
        return []
      },
    },
    show: () => undefined,
  }
  const flow = createFlow(parts as unknown as FlowOptions)
  await expect(flow.score(1)).rejects.toThrow(/the disk is full.*its row is gone/)
  expect(told).toEqual(['site/cloud/twin/Model/Ratio'])
  expect(compared).toEqual([2])
  expect(flow.latestScore('press')?.at).toBe(1)
})

describe('summarise', () => {
  it('takes the mean of the good numbers inside, and nothing of bad or stale ones', async () => {
    const history = holding([
      sample(999_000, 500),
      sample(1_000_000, 10),
      sample(1_030_000, 20),
      sample(1_040_000, 9000, quality.stale),
      sample(1_050_000, null, quality.bad),
      sample(1_060_000, 900),
    ])
    expect(await summarise(history, tag, span)).toBe(15)
  })

  it('takes the last text or switch that stands at the end, though it was read before', async () => {
    const history = holding([sample(950_000, 'main'), sample(990_000, 'spare')])
    expect(await summarise(history, tag, span)).toBe('spare')
    expect(await summarise(holding([sample(1_000_500, false)]), tag, span)).toBe(false)
  })

  it('says null where nothing good was read', async () => {
    expect(await summarise(holding([sample(1_000_500, 5, quality.stale)]), tag, span)).toBeNull()
    expect(await summarise(holding([]), tag, span)).toBeNull()
  })
})
