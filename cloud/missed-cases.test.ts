/** A cloud that dies between an alarm and its case opens the case when it is back. */
import { expect, test } from 'vitest'
import { quality } from '../protocol/model.ts'
import { ratioRule } from './alarms/alarm-rule.ts'
import { openAlarms } from './alarms/alarms.ts'
import { openAudit } from './audit/audit.ts'
import { openCases } from './cases/cases.ts'
import { openMissedCases } from './missed-cases.ts'
import { openStore } from './store/store.ts'

const START = Date.UTC(2026, 10, 1)
const press = { id: 'press', site: 'plant', severity: 700 }
const rule = ratioRule(press)
const onTrial = {
  ...ratioRule(press),
  id: 'press:trial',
  tag: 'plant/cloud/press/T',
  opensCase: false,
} as const

test('an alarm whose case was lost with the process gets it after a minute, one for awareness does not', async () => {
  await using store = await openStore({ file: ':memory:' })
  await store.db
    .insertInto('assets')
    .values({ id: 'press', site: 'plant', name: 'Press', kind: 'press', model: null })
    .execute()
  const audit = await openAudit(store)
  let now = START
  const alarms = await openAlarms({
    ...{ store, audit, rules: [rule, onTrial], now: () => now },
    onChange: () => Promise.reject(new Error('killed')),
  })
  for (const { tag } of [rule, onTrial])
    for (let second = 0; second <= 5; second++) {
      now = START + second * 1000
      await alarms
        .accept([{ tag, at: now, value: 3, quality: quality.good }])
        .catch(() => undefined)
    }
  const cases = await openCases({
    ...{ store, audit, onChange: () => undefined },
    facts: {
      alarmsOf: (caseId) => alarms.list({ state: 'all', caseId }),
      attachAlarm: (id, caseId) => alarms.attachCase(id, caseId),
      sessionsOf: async () => [],
      recordingOf: async () => undefined,
      summaryOf: async () => null,
      normalOf: () => null,
      recoveryHoldMs: () => 20_000,
    },
  })
  const parts = { alarms, cases, opensCase: (id: string) => id === rule.id }
  await openMissedCases(parts, now + 1000)
  expect(await cases.list({ state: 'open' })).toEqual([])
  // In the same moment as planned maintenance ends, which tells it again: it is told once.
  const [lost] = (await alarms.list({ state: 'open' })).filter((one) => one.rule === rule.id)
  await Promise.all([openMissedCases(parts, now + 60_000), cases.fromAlarm(lost!)])
  await openMissedCases(parts, now + 120_000)
  const events = await store.db.selectFrom('case_events').select('kind').execute()
  expect(events).toEqual([{ kind: 'alarm' }])
  expect(await cases.list({ state: 'open' })).toMatchObject([{ asset: 'press' }])
  const found = await alarms.list({ state: 'open' })
  expect(found.map(({ rule: own, caseId }) => [own, caseId !== null])).toEqual(
    expect.arrayContaining([
      ['press:ratio', true],
      ['press:trial', false],
    ]),
  )
})
