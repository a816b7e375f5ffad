/** From rows that cannot be judged to an alarm for awareness that names the tag, and back. */
import { expect, test } from 'vitest'
import { readModelFolder } from '../models/manifest.ts'
import { openAlarms } from './alarms/alarms.ts'
import { openAudit } from './audit/audit.ts'
import type { ScoringResult } from './scoring/result.ts'
import { createUnjudgedWatch } from './scoring/unjudged-watch.ts'
import type { WatchedModel } from './scoring/watched.ts'
import { openStore } from './store/store.ts'
import { unjudgedRules } from './unjudged-rule.ts'

const folder = await readModelFolder(
  new URL('../models/shipped/hydraulic-press', import.meta.url).pathname,
)
const press: WatchedModel = {
  ...{ id: 'mdl_1', version: 1, asset: 'press', site: 'plant', kind: 'multivariate' },
  ...{ stage: 'active', isPrimary: true, factor: 1, tags: {}, model: folder },
  outputs: { score: 'Score', ratio: 'Ratio', breaches: 'Breaches' },
}

test('a tag that is bad in every second row is told after half an hour, opens no case, and is over when it is mended', async () => {
  await using store = await openStore({ file: ':memory:' })
  const beside = { ...press, id: 'mdl_2', isPrimary: false }
  const broken = { ...press, asset: 'twin', model: { problem: 'its files were changed' } }
  const rules = unjudgedRules([press, beside, broken])
  expect(rules.map(({ id }) => id)).toEqual(['press:unjudged', 'twin:unjudged'])
  let now = Date.UTC(2026, 10, 1)
  const opens: boolean[] = []
  const alarms = await openAlarms({
    ...{ store, audit: await openAudit(store), rules, now: () => now },
    onChange: ({ opensCase }) => void opens.push(opensCase),
  })
  const watch = createUnjudgedWatch({ siteOf: () => 'plant', periodMsOf: () => 1000 })
  const live = async (minutes: number, row: (second: number) => Partial<ScoringResult>) => {
    for (let second = 0; second < minutes * 60; second += 5) {
      now += 5000
      const result: ScoringResult = {
        ...{ asset: 'press', model: 'mdl_1', stage: 'active', isPrimary: true, at: now },
        ...{ state: 'scored', row: new Float32Array(2), contributions: [], breaches: [] },
        ...{ samples: [], ...row(second) },
      }
      for (const { sample, causes } of watch.accept([result]))
        await alarms.accept([sample], { contributions: [], breaches: causes })
    }
  }
  const blind = (second: number): Partial<ScoringResult> =>
    second % 10 === 0
      ? { state: 'unknown', missing: [{ name: 'PS1', problem: 'bad' }] }
      : { state: 'unknown', filling: true, reason: 'the window is filling' }
  await live(29, blind)
  expect(await alarms.list({ state: 'all' })).toEqual([])
  await live(6, blind)
  expect(await alarms.list({ state: 'all' })).toMatchObject([
    {
      ...{ asset: 'press', state: 'active-unacked', severity: 100, caseId: null },
      message: 'Cannot be judged: PS1 bad in 50 % of the rows',
    },
  ])
  await live(70, () => ({}))
  expect(await alarms.list({ state: 'all' })).toMatchObject([{ state: 'cleared-unacked' }])
  expect(opens).toEqual([false, false])
  const [kept] = await store.db.selectFrom('alarms').select('model').execute()
  expect(kept?.model).toBeNull()
})
