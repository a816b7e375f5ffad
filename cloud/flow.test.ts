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
    models: { accept: () => undefined },
    show: () => undefined,
  }
  await createFlow(parts as unknown as FlowOptions).score(1)
  expect(causes).toEqual([{ contributions: [], breaches: [], filled: ['Heat'] }])
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
