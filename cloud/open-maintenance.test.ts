/** A machine in planned maintenance: its alarm goes out of service, and opens its case when the work is over, also after a restart. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { quality, type Sample } from '../protocol/model.ts'
import { ratioRule } from './alarms/alarm-rule.ts'
import { openAlarms } from './alarms/alarms.ts'
import { openAudit } from './audit/audit.ts'
import { openCases } from './cases/cases.ts'
import { openConfiguredMaintenance } from './open-maintenance.ts'
import type { Parts } from './parts.ts'
import { openStore } from './store/store.ts'

const MINUTE = 60_000
const ina = { id: 'per_ina', login: 'ina', name: 'Ina' }
const rule = ratioRule({ id: 'press', site: 'plant', severity: 700 })
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mimamori-maintenance-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Store, maintenance, alarms and cases as the cloud wires them; the data's time runs ahead of nobody's clock. */
async function start(rules = [rule]) {
  const store = await openStore({ file: join(folder, 'state.db') })
  const known = await store.db.selectFrom('assets').select('id').executeTakeFirst()
  if (!known) {
    const site = { id: 'plant', tenant: 'ten_a', name: 'Plant', time_zone: 'Asia/Tokyo' }
    await store.db.insertInto('sites').values(site).execute()
    const asset = { id: 'press', site: 'plant', name: 'Press', kind: 'press', model: null }
    await store.db.insertInto('assets').values(asset).execute()
  }
  const parts = { store, audit: await openAudit(store) } as Parts
  const clock = { now: Date.now() - 60 * MINUTE }
  parts.maintenance = await openConfiguredMaintenance(parts)
  parts.cases = await openCases({
    ...{ store, audit: parts.audit, onChange: () => undefined },
    facts: {
      alarmsOf: (caseId) => parts.alarms.list({ state: 'all', caseId }),
      attachAlarm: (alarm, caseId) => parts.alarms.attachCase(alarm, caseId),
      sessionsOf: async () => [],
      recordingOf: async () => undefined,
      summaryOf: async () => null,
      normalOf: () => null,
      recoveryHoldMs: () => 20_000,
    },
  })
  parts.alarms = await openAlarms({
    ...{ store, audit: parts.audit, rules, now: () => clock.now },
    workOn: parts.maintenance.workOn,
    async onChange({ alarm, kind, opensCase }) {
      const isNews = ['raised', 'unshelved', 'in-service'].includes(kind)
      if (isNews && opensCase) await parts.cases.fromAlarm(alarm)
    },
  })
  return {
    ...parts,
    clock,
    /** One ratio a second. */
    async feed(value: number, seconds: number, tag = rule.tag) {
      for (let second = 0; second < seconds; second++) {
        clock.now += 1_000
        const sample: Sample = { tag, at: clock.now, value, quality: quality.good }
        await parts.alarms.accept([sample])
      }
    },
    openCases: async () => await parts.cases.list({ state: 'open' }),
    alarm: async () => (await parts.alarms.list({ state: 'all' }))[0],
    async tick(now = Date.now()) {
      await parts.maintenance.tick(now)
      await parts.alarms.tick(now)
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

const work = (minutes: number) => {
  const from = Date.now() - MINUTE
  const to = Date.now() + minutes * MINUTE
  return { site: 'plant', asset: 'press', from, to, text: 'change the seals' }
}

it('an alarm in planned maintenance is raised, kept and shown, and opens no case; the end of the work opens it at once', async () => {
  await using t = await start()
  const { id } = await t.maintenance.enter(ina, work(10))
  await t.feed(3, 10)
  const alarm = await t.alarm()
  expect(alarm).toMatchObject({ state: 'active-unacked', caseId: null, peak: 3 })
  expect(alarm!.outOfService).toMatchObject({ id, text: 'change the seals', by: 'per_ina' })
  await t.tick()
  expect(await t.openCases()).toEqual([])
  await t.maintenance.end(ina, id)
  const [opened] = await t.openCases()
  expect(opened).toMatchObject({ asset: 'press', state: 'reported' })
  const back = await t.alarm()
  expect(back).toMatchObject({ caseId: opened!.id })
  expect(back!.outOfService).toBeUndefined()
  await t.tick()
  expect(await t.openCases()).toHaveLength(1)
  const events = await t.store.db.selectFrom('alarm_events').select(['kind', 'comment']).execute()
  expect(events).toEqual([
    { kind: 'raised', comment: null },
    { kind: 'out-of-service', comment: 'change the seals' },
    { kind: 'in-service', comment: null },
  ])
})

it('the cloud may be down when the work ends: the case is opened at its next start', async () => {
  {
    await using t = await start()
    await t.maintenance.enter(ina, work(10))
    await t.feed(3, 10)
    expect(await t.openCases()).toEqual([])
  }
  {
    await using t = await start()
    await t.tick()
    expect(await t.openCases()).toEqual([])
    expect((await t.alarm())!.outOfService).toBeDefined()
  }
  await using t = await start()
  // Whichever of the two is looked at first.
  await t.alarms.tick(Date.now())
  expect(await t.openCases()).toEqual([])
  await t.maintenance.tick(Date.now() + 20 * MINUTE)
  const [opened] = await t.openCases()
  expect(await t.alarm()).toMatchObject({ state: 'active-unacked', caseId: opened!.id })
})

it('the cloud may stop between the end of the work and the return of the alarm', async () => {
  {
    await using t = await start()
    await t.maintenance.enter(ina, work(10))
    await t.feed(3, 10)
    const over = { previous_state: 'running', state: 'over', ended_at: Date.now() } as const
    await t.store.db.updateTable('maintenance_windows').set(over).execute()
  }
  await using t = await start()
  expect(await t.openCases()).toEqual([])
  await t.tick()
  expect(await t.openCases()).toHaveLength(1)
})

it('a model that is new at a start begins out of service while its machine is worked on', async () => {
  {
    await using t = await start()
    await t.maintenance.enter(ina, work(10))
  }
  const second = { ...rule, id: 'press:second', tag: 'plant/cloud/press/Second/Ratio' as const }
  await using t = await start([rule, second])
  await t.feed(3, 10, second.tag)
  expect(await t.alarm()).toMatchObject({ rule: second.id, outOfService: {} })
  expect(await t.openCases()).toEqual([])
})

it('a site with more rules than one statement moves goes out and comes back as a whole', async () => {
  const many = Array.from({ length: 1_001 }, (_, i) => {
    return ratioRule({ id: `press-${i}`, site: 'plant', severity: 1 })
  })
  await using t = await start(many)
  const countOut = async () =>
    (
      await t.store.db
        .selectFrom('alarm_rules')
        .select('id')
        .where('out_of_service', '=', 1)
        .execute()
    ).length
  const { id } = await t.maintenance.enter(ina, { ...work(10), asset: null })
  expect(await countOut()).toBe(1_001)
  const last = many.at(-1)
  await t.feed(3, 10, last!.tag)
  await t.maintenance.end(ina, id)
  expect(await countOut()).toBe(0)
  expect(await t.openCases()).toMatchObject([{ asset: last!.asset }])
})

it('what came and went in the work opens nothing, neither then nor later', async () => {
  await using t = await start()
  const { id } = await t.maintenance.enter(ina, work(10))
  await t.feed(3, 10)
  await t.feed(0.2, 20)
  expect(await t.alarm()).toMatchObject({ state: 'cleared-unacked', outOfService: { id } })
  await t.maintenance.end(ina, id)
  expect(await t.openCases()).toEqual([])
  await t.feed(3, 30)
  expect(await t.openCases()).toHaveLength(1)
})

it('a case that was open before stays as it is; one that is closed meanwhile is followed by another while the trouble lasts', async () => {
  await using t = await start()
  await t.feed(3, 10)
  const [before] = await t.openCases()
  const { id } = await t.maintenance.enter(ina, work(10))
  expect((await t.alarm())!.outOfService).toMatchObject({ id })
  expect(await t.openCases()).toMatchObject([{ id: before!.id, state: 'reported' }])
  await t.cases.dismiss(ina, before!.id, { reason: 'is mended now', usefulness: 'useful' })
  await t.tick()
  expect(await t.openCases()).toEqual([])
  await t.maintenance.end(ina, id)
  const [after] = await t.openCases()
  expect(after!.id).not.toBe(before!.id)
})

it('work and shelving are two things: the end of the one does not end the other', async () => {
  await using t = await start()
  const { id } = await t.maintenance.enter(ina, work(10))
  await t.feed(3, 10)
  const alarm = (await t.alarm())!.id
  await t.alarms.shelve(ina, alarm, { minutes: 600, reason: 'a new oil' })
  await t.maintenance.end(ina, id)
  expect(await t.openCases()).toEqual([])
  const again = await t.maintenance.enter(ina, work(20))
  await t.alarms.unshelve(ina, alarm)
  expect(await t.openCases()).toEqual([])
  await t.maintenance.end(ina, again.id)
  expect(await t.openCases()).toHaveLength(1)
})

it('a rule that comes while the work goes on begins out of service, one that goes takes its mark along', async () => {
  await using t = await start()
  const { id } = await t.maintenance.enter(ina, work(10))
  const marks = async () => {
    const rows = t.store.db.selectFrom('alarm_rules').select(['id', 'out_of_service'])
    return Object.fromEntries((await rows.execute()).map((row) => [row.id, row.out_of_service]))
  }
  const second = { ...rule, id: 'press:trial', tag: 'plant/cloud/press/Trial/Ratio' as const }
  await t.alarms.setRules([rule, second])
  expect(await marks()).toEqual({ 'press:ratio': 1, 'press:trial': 1 })
  await t.alarms.setRules([rule])
  expect(await marks()).toEqual({ 'press:ratio': 1, 'press:trial': 0 })
  await t.maintenance.end(ina, id)
  expect(await marks()).toEqual({ 'press:ratio': 0, 'press:trial': 0 })
})
