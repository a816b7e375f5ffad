/** What queues a training without being asked each time: the schedule, a drift, and "this was normal". */
import { expect, test } from 'vitest'
import type { TrainingJobView } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { openAudit } from '../audit/audit.ts'
import { insertWork } from '../maintenance/stored-window.fixture.ts'
import { openStore } from '../store/store.ts'
import { createRetraining } from './retraining.ts'
import type { KnownVersion, Training, WantedTraining } from './training.ts'

const DAY = 86_400_000
const ina = { login: 'ina' }
const press = { id: 'press', site: 'plant' }
const log = createLog('test')
log.level = 'silent'

/** Only the queue is stood in for: what is asked of it is what is looked at. */
async function open(versions: KnownVersion[] = []) {
  const store = await openStore({ file: ':memory:' })
  const audit = await openAudit(store)
  const clock = { now: 100 * DAY }
  const asked: { by: string; wanted: WantedTraining }[] = []
  const busy = { is: false }
  const drift: { since: number | null } = { since: null }
  const job = { id: 'job_1', state: 'running' } as TrainingJobView
  const training: Pick<Training, 'train' | 'propose' | 'newest'> = {
    async train({ login }, _, wanted) {
      if (busy.is) throw new Fault('training.busy', { state: 'running' })
      asked.push({ by: login, wanted })
      return job
    },
    async propose(_, { from = 0 }) {
      const periods = [{ from, to: clock.now }]
      return {
        ...{ periods, excluded: [], rows: 900, rowsWanted: 300, periodMs: 1000 },
        enough: true,
      }
    },
    newest: async () => job,
  }
  const retraining = createRetraining({
    ...{ store, audit, log, now: () => clock.now },
    training: training as Training,
    versionsOf: async () => versions,
    driftOf: () => drift.since,
  })
  return {
    ...{ store, audit, clock, asked, busy, drift, retraining },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

const version = (change: Partial<KnownVersion>): KnownVersion => ({
  ...{ id: 'mdl_1', name: 'press', kind: 'multivariate', stage: 'active', tags: [] },
  ...{ periodMs: 1000, periods: [], createdAt: 95 * DAY },
  ...change,
})

test('the schedule counts from the newest version, and from the last try when that failed', async () => {
  await using t = await open([version({})])
  await t.retraining.set(ina, press, { everyDays: 7, onDrift: false })
  expect(await t.retraining.of('press')).toEqual({ everyDays: 7, onDrift: false })
  await t.retraining.tick()
  expect(t.asked).toEqual([])
  t.clock.now = 102 * DAY
  await t.retraining.tick()
  await t.retraining.tick()
  expect(t.asked).toMatchObject([{ by: 'schedule', wanted: { automatic: true } }])
  t.clock.now = 109 * DAY
  t.busy.is = true
  await t.retraining.tick()
  t.busy.is = false
  await t.retraining.tick()
  expect(t.asked).toHaveLength(1)
  const [entry] = await t.audit.list({ limit: 1 })
  expect(entry).toMatchObject({ actor: 'ina', action: 'model.retraining', object: 'press' })
})

test('a drift queues a training of the time since it began, once a day at most, and only when wanted', async () => {
  await using t = await open()
  await t.retraining.noteDrift('press', 90 * DAY)
  expect(t.asked).toEqual([])
  await t.retraining.set(ina, press, { everyDays: null, onDrift: true })
  await t.retraining.noteDrift('press', 90 * DAY)
  await t.retraining.noteDrift('press', 90 * DAY)
  const periods = [{ from: 90 * DAY, to: 100 * DAY }]
  expect(t.asked).toMatchObject([{ by: 'drift', wanted: { periods, automatic: true } }])
})

test('a drift whose training could not be queued, or failed, is tried again the next day, and not once it was trained', async () => {
  await using t = await open()
  await t.retraining.set(ina, press, { everyDays: null, onDrift: true })
  t.drift.since = 90 * DAY
  t.busy.is = true
  await t.retraining.noteDrift('press', 90 * DAY)
  t.busy.is = false
  await t.retraining.tick()
  expect(t.asked).toEqual([])
  t.clock.now += DAY
  await t.retraining.tick()
  expect(t.asked).toMatchObject([{ by: 'drift' }])
  const job = { asset: 'press', site: 'plant', phase: '', progress: 1, requested_by: 'drift' }
  const rest = { problem: null, model: null, request: '{}', back_test: null, ended_at: 1 }
  const insert = async (id: string, state: 'failed' | 'done') =>
    await t.store.db
      .insertInto('training_jobs')
      .values({ ...job, ...rest, id, state, requested_at: t.clock.now })
      .execute()
  await insert('job_1', 'failed')
  t.clock.now += DAY
  await t.retraining.tick()
  expect(t.asked).toHaveLength(2)
  await insert('job_2', 'done')
  t.clock.now += DAY
  await t.retraining.tick()
  expect(t.asked).toHaveLength(2)
  // Another drift is another training.
  t.drift.since = t.clock.now
  t.clock.now += DAY
  await t.retraining.tick()
  expect(t.asked).toHaveLength(3)
})

async function insertAlarm({ store }: Awaited<ReturnType<typeof open>>): Promise<void> {
  await insertPressRule(store)
  await store.db
    .insertInto('alarms')
    .values({
      ...{ id: 'alm_1', rule: 'r', asset: 'press', site: 'plant', previous_state: 'normal' },
      ...{ state: 'active-unacked', raised_at: 99 * DAY, cleared_at: 99.5 * DAY, acked_at: null },
      ...{ acked_by: null, severity: 1, message: 'x', contributions: '[]', case_id: null },
      ...{ peak: 3, model: null },
    })
    .execute()
}

test('"this was normal" adds the stretch of the alarm to the periods of the newest version that has some', async () => {
  const periods = [{ from: 10 * DAY, to: 20 * DAY }]
  await using t = await open([version({ stage: 'shadow' }), version({ periods })])
  await insertAlarm(t)
  await t.retraining.wasNormal(ina, 'alm_1', 'the new oil')
  expect(t.asked[0]?.wanted.periods).toEqual([
    periods[0],
    { from: 99 * DAY - 60_000, to: 99.5 * DAY },
  ])
  expect(t.asked[0]?.wanted.automatic).toBe(true)
  const [entry] = await t.audit.list({ limit: 1 })
  expect(entry).toMatchObject({ action: 'alarm.was-normal', object: 'alm_1', site: 'plant' })
  await expect(t.retraining.wasNormal(ina, 'alm_2', 'x')).rejects.toMatchObject({
    code: 'object.missing',
  })
})

test('said while a training runs, the stretch is kept for the next one', async () => {
  await using t = await open()
  await insertAlarm(t)
  t.busy.is = true
  expect(await t.retraining.wasNormal(ina, 'alm_1', 'the new oil')).toMatchObject({ id: 'job_1' })
  t.busy.is = false
  await t.retraining.wasNormal(ina, 'alm_1', 'the new oil')
  expect(t.asked).toHaveLength(1)
  expect(await t.store.db.selectFrom('normal_periods').selectAll().execute()).toHaveLength(1)
})

test('"this was normal" is refused of an alarm that came and went in planned maintenance, not of one that outlasted it', async () => {
  await using t = await open([version({ periods: [{ from: 10 * DAY, to: 20 * DAY }] })])
  await insertAlarm(t)
  await insertWork(t.store, { from: 98 * DAY, to: 99.75 * DAY })
  const said = t.retraining.wasNormal(ina, 'alm_1', 'the new oil')
  await expect(said).rejects.toThrow('came and went in planned maintenance (seal changed)')
  expect(t.asked).toEqual([])
  expect(await t.store.db.selectFrom('normal_periods').selectAll().execute()).toEqual([])
  await t.store.db
    .updateTable('maintenance_windows')
    .set({ ended_at: 99.25 * DAY })
    .execute()
  await t.retraining.wasNormal(ina, 'alm_1', 'the new oil')
  expect(t.asked).toHaveLength(1)
})
