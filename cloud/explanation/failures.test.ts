/** When an alarm is looked at with the models of known failures. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FailureManifest } from '../../models/train/failures/failure-manifest.ts'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { openAudit } from '../audit/audit.ts'
import { insertWork } from '../maintenance/stored-window.fixture.ts'
import { openStore, type Store } from '../store/store.ts'
import type { FailureModel } from './diagnosis.ts'
import { createFailures, type Failures } from './failures.ts'

const MINUTE = 60_000
/** Of a machine that is read once a minute: half a window is half an hour. */
const model: FailureModel = {
  ...{
    id: 'mdl_1',
    asset: 'press',
    version: 1,
    stage: 'active',
    sha256: 'ab',
    bytes: new Uint8Array(),
    tags: {},
  },
  manifest: { periodMs: MINUTE, tags: ['heat'] } as FailureManifest,
}

let store: Store
let stage: FailureModel['stage']
let failures: Failures
let looks: number
beforeEach(async () => {
  store = await openStore({ file: ':memory:' })
  await insertPressRule(store)
  await store.db
    .insertInto('alarms')
    .values({
      ...{ id: 'alm_1', rule: 'r', asset: 'press', site: 'plant', model: null, peak: 2 },
      ...{ previous_state: 'active-unacked', state: 'active-acked', raised_at: 0 },
      ...{ cleared_at: null, acked_at: null, acked_by: null, severity: 1, message: 'x' },
      ...{ contributions: '[]', case_id: null },
    })
    .execute()
  looks = 0
  stage = 'active'
  failures = createFailures({
    ...{ store, audit: await openAudit(store), modelsOf: async () => [{ ...model, stage }] },
    windowsOf: async () => {
      looks++
      return []
    },
    run: () => Promise.reject(new Error('there is nothing to run')),
  })
})
afterEach(() => store[Symbol.asyncDispose]())

const tick = (now: number) => failures.tick(now, async () => undefined)
const clear = (at: number) =>
  store.db
    .updateTable('alarms')
    .set({ previous_state: 'active-acked', state: 'normal', cleared_at: at })
    .execute()

test('an alarm that cleared before it was due is looked at then, and no second time', async () => {
  await tick(20 * MINUTE)
  expect(looks).toBe(0)
  await clear(20 * MINUTE + 1_000)
  await tick(20 * MINUTE + 5_000)
  await tick(20 * MINUTE + 10_000)
  expect(looks).toBe(1)
  const kept = await store.db.selectFrom('diagnoses').select(['alarm', 'state']).execute()
  expect(kept).toEqual([{ alarm: 'alm_1', state: 'unknown' }])
})

test('what a version said in silence it says aloud once it is put in use, though nothing else has changed', async () => {
  stage = 'shadow'
  await tick(40 * MINUTE)
  await tick(60 * MINUTE)
  expect(await failures.of('alm_1', 60 * MINUTE, {})).toEqual([])
  stage = 'active'
  await tick(80 * MINUTE)
  await tick(100 * MINUTE)
  expect(await failures.of('alm_1', 100 * MINUTE, {})).toMatchObject([
    { state: 'unknown', stage: 'active', recorded: true, at: 80 * MINUTE },
  ])
  const kept = await store.db.selectFrom('diagnoses').select('stage').orderBy('id').execute()
  expect(kept.map((row) => row.stage)).toEqual(['shadow', 'active'])
})

test('an alarm that is out of service is not looked at, and at once when it is back', async () => {
  const serve = (flag: 0 | 1) =>
    store.db.updateTable('alarm_rules').set({ out_of_service: flag }).execute()
  await serve(1)
  await tick(50 * MINUTE)
  expect(looks).toBe(0)
  await serve(0)
  await tick(51 * MINUTE)
  expect(looks).toBe(1)
})

test('an alarm that came in planned maintenance is looked at half a window after its end', async () => {
  await insertWork(store, { from: -MINUTE, to: 60 * MINUTE, asset: null })
  await tick(50 * MINUTE)
  await tick(70 * MINUTE)
  expect(await failures.of('alm_1', 70 * MINUTE, {})).toEqual([])
  expect(looks).toBe(0)
  await tick(95 * MINUTE)
  expect(looks).toBe(1)
})

test('an old alarm is looked at seldom, and once more when it is over', async () => {
  await tick(100 * MINUTE)
  await tick(105 * MINUTE)
  expect(looks).toBe(1)
  await clear(106 * MINUTE)
  await tick(106 * MINUTE + 5_000)
  await tick(106 * MINUTE + 10_000)
  expect(looks).toBe(2)
})
