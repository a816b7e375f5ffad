/** From closed cases to the scoreboard: precision, lead, missed failures, and a threshold that the labels speak for. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelVersionView } from '../../protocol/api-models.ts'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { insertWork } from '../maintenance/stored-window.fixture.ts'
import { openStore, type Store } from '../store/store.ts'
import { createFeedback, type ScoredVersion } from './feedback.ts'

const HOUR = 3_600_000
const version: ScoredVersion = {
  ...{ id: 'mdl_1', asset: 'press', site: 'plant', name: 'press', version: 1, factor: 1 },
  ...{ kind: 'multivariate', stage: 'active', source: 'trained', createdAt: 0, createdBy: 'ina' },
  ...{ periods: [], trainedRows: 900, periodMs: 1000, threshold: 2, tags: ['a'], metrics: {} },
  ...{ dataHash: null, sha256: 'x', intact: true, problem: null, emptyCells: 'filled' },
} satisfies ModelVersionView & { factor: number }

let store: Store
beforeEach(async () => {
  store = await openStore({ file: ':memory:' })
  const { db } = store
  await insertPressRule(store, 'mdl_1')
  await db
    .insertInto('models')
    .values({
      ...{ id: 'mdl_1', asset: 'press', site: 'plant', name: 'press', version: 1 },
      ...{ kind: 'multivariate', stage: 'active', source: 'trained', created_at: 0 },
      ...{ created_by: 'ina', periods: '[]', facts: '{}', sha256: 'x', factor: 1 },
    })
    .execute()
  await event(HOUR, 'registered', { stage: 'active' })
})
afterEach(() => store[Symbol.asyncDispose]())

const event = (at: number, kind: string, detail: object) =>
  store.db
    .insertInto('model_events')
    .values({ model: 'mdl_1', at, actor: 'ina', kind, detail: JSON.stringify(detail) })
    .execute()

let cases = 0
/** A closed case with the alarms of the model that belong to it. */
async function close(
  hour: number,
  outcome: object,
  { peaks = [1.1], alarmHour = hour }: { peaks?: number[]; alarmHour?: number } = {},
): Promise<string> {
  const id = `cas_${++cases}`
  await store.db
    .insertInto('cases')
    .values({
      ...{ id, site: 'plant', asset: 'press', title: 'x', previous_state: 'verifying' },
      ...{ state: 'closed', opened_at: hour * HOUR, closed_at: (hour + 1) * HOUR, source: '{}' },
      ...{ verified_at: null, outcome: JSON.stringify(outcome), report: null },
    })
    .execute()
  for (const [i, peak] of peaks.entries())
    await store.db
      .insertInto('alarms')
      .values({
        ...{ id: `${id}-${i}`, rule: 'r', asset: 'press', site: 'plant', model: 'mdl_1' },
        ...{ previous_state: 'active-acked', state: 'normal', raised_at: alarmHour * HOUR },
        ...{ cleared_at: 0, acked_at: 0, acked_by: null, severity: 1, message: 'x' },
        ...{ contributions: '[]', case_id: id, peak },
      })
      .execute()
  await createFeedback(store).learn(id)
  return id
}

const row = async (wanted = version) => (await createFeedback(store).scoreboard([wanted])).rows[0]!

test('a closed case becomes a label with its failure mode, part and cause, and again the same one', async () => {
  const outcome = {
    usefulness: 'useful',
    cause: 'worn',
    failureMode: 'leak',
    part: 'seal',
    failedAt: 9,
  }
  const id = await close(3, outcome)
  await createFeedback(store).learn(id)
  expect(await store.db.selectFrom('labels').selectAll().execute()).toEqual([
    {
      ...{ case_id: id, asset: 'press', site: 'plant', at: 4 * HOUR, usefulness: 'useful' },
      ...{ failure_mode: 'leak', cause: 'worn', part: 'seal', failed_at: 9 },
    },
  ])
})

test('precision counts what was judged; the lead goes from the first alarm to the failure', async () => {
  await close(5, { usefulness: 'useful', failedAt: 9 * HOUR }, { peaks: [3, 4], alarmHour: 5 })
  await close(20, { usefulness: 'too-sensitive' })
  await close(30, { usefulness: 'noisy-data' })
  expect(await row()).toMatchObject({
    ...{ alarms: 4, useful: 2, tooSensitive: 1, noisyData: 1, wrongData: 0, precision: 0.5 },
    ...{ medianLeadMs: 4 * HOUR, missed: 0, proposal: null },
  })
})

test('a failure in its time of service that no alarm of it preceded is missed; one before its time is not', async () => {
  await close(0.5, { usefulness: 'useful' }, { peaks: [] })
  await close(5, { usefulness: 'useful' }, { peaks: [] })
  await close(7, { usefulness: 'useful', failedAt: 7 * HOUR }, { alarmHour: 8 })
  await close(9, { usefulness: 'wrong-data' }, { peaks: [] })
  expect((await row()).missed).toBe(2)
})

test('a service that was proposed in time is no failure that a detector missed, unless the machine had failed', async () => {
  const source = (id: string, fingerprint: string) =>
    store.db
      .updateTable('cases')
      .set({ source: JSON.stringify({ kind: 'hook', id: fingerprint }) })
      .where('id', '=', id)
      .execute()
  await source(await close(5, { usefulness: 'useful' }, { peaks: [] }), 'wear:cutter:7')
  await source(await close(6, { usefulness: 'useful' }, { peaks: [] }), 'life:mdl_9:0')
  expect((await row()).missed).toBe(0)
  const failed = { usefulness: 'useful', failedAt: 7 * HOUR }
  await source(await close(7, failed, { peaks: [] }), 'wear:cutter:8')
  await source(await close(8, { usefulness: 'useful' }, { peaks: [] }), 'grafana-1')
  expect((await row()).missed).toBe(2)
})

const work = (from: number, to: number, asset: string | null = 'press') =>
  insertWork(store, { from: from * HOUR, to: to * HOUR, asset })
const clear = (id: string, hour: number) =>
  store.db
    .updateTable('alarms')
    .set({ cleared_at: hour * HOUR })
    .where('id', '=', `${id}-0`)
    .execute()

test('an alarm that came and went in planned maintenance counts nowhere, one that outlasted it from its end on', async () => {
  await work(4, 6, null)
  await clear(await close(5, { usefulness: 'too-sensitive' }), 5.5)
  expect(await row()).toMatchObject({
    alarms: 0,
    tooSensitive: 0,
    precision: null,
    inMaintenance: 1,
  })
  const outlasting = await close(5.5, { usefulness: 'useful', failedAt: 9 * HOUR })
  await clear(outlasting, 7)
  expect(await row()).toMatchObject({
    ...{ alarms: 1, useful: 1, precision: 1, inMaintenance: 1, medianLeadMs: 3 * HOUR },
  })
})

test('a failure in planned maintenance is not missed', async () => {
  await work(4, 6)
  await close(5, { usefulness: 'useful' }, { peaks: [] })
  await close(7, { usefulness: 'useful', failedAt: 5 * HOUR }, { peaks: [] })
  expect((await row()).missed).toBe(0)
  await close(8, { usefulness: 'useful' }, { peaks: [] })
  expect((await row()).missed).toBe(1)
})

test('three nuisances below every useful alarm speak for a higher threshold, whatever it was when they came', async () => {
  for (const hour of [2, 3, 4]) await close(hour, { usefulness: 'too-sensitive' }, { peaks: [1.2] })
  await close(5, { usefulness: 'useful' }, { peaks: [6] })
  const before = (await row()).proposal!
  expect(before.factor).toBeGreaterThan(1.2)
  expect(before.factor).toBeLessThan(3)
  expect(before.threshold).toBeCloseTo(2 * before.factor, 10)
  await event(6 * HOUR, 'threshold', { from: 1, to: before.factor })
  const { factor } = before
  expect((await row({ ...version, factor, threshold: 2 * factor })).proposal).toBeNull()
})

test('a version that never was in service and never alarmed has no line', async () => {
  const shadow = { ...version, id: 'mdl_2', stage: 'shadow' as const }
  expect((await createFeedback(store).scoreboard([shadow])).rows).toEqual([])
})
