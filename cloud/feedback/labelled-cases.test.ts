/** Which closed cases are learned from, and how often what was said of them proved right. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { insertWork } from '../maintenance/stored-window.fixture.ts'
import { openStore, type Store } from '../store/store.ts'
import { createFeedback } from './feedback.ts'
import { describeReadiness, pickLearnable, readLabelledCases } from './labelled-cases.ts'
import { readNamedCases } from './named-cases.ts'

let store: Store
let count = 0
beforeEach(async () => {
  count = 0
  store = await openStore({ file: ':memory:' })
  await insertPressRule(store)
  for (const id of ['press', 'twin'])
    await store.db
      .insertInto('assets')
      .values({ id, site: 'plant', name: id, kind: 'press', model: null })
      .execute()
})
afterEach(() => store[Symbol.asyncDispose]())

interface Wanted {
  failureMode?: string
  usefulness?: string
  asset?: string
  alarm?: { from: number; to: number } | null
  /** When a technician began to change something. */
  touchedAt?: number
  /** What a model had said. */
  said?: (string | null)[]
}

/** Reported at 100, closed at 900. */
async function close(wanted: Wanted): Promise<void> {
  const { usefulness = 'useful', asset = 'press', alarm = { from: 100, to: 500 } } = wanted
  const id = `cas_${++count}`
  const { db } = store
  const outcome = { cause: 'x', action: 'y', usefulness, failureMode: wanted.failureMode }
  await db
    .insertInto('cases')
    .values({
      ...{ id, site: 'plant', asset, title: 'x', previous_state: 'verifying', state: 'closed' },
      ...{ opened_at: 100, closed_at: 900 + count, source: '{}', verified_at: null },
      ...{ outcome: JSON.stringify(outcome), report: null },
    })
    .execute()
  if (alarm)
    await db
      .insertInto('alarms')
      .values({
        ...{ id: `alm_${count}`, rule: 'r', asset, site: 'plant', model: null, peak: 2 },
        ...{ previous_state: 'active-acked', state: 'normal', raised_at: alarm.from },
        ...{ cleared_at: alarm.to, acked_at: null, acked_by: null, severity: 1, message: 'x' },
        ...{ contributions: '[]', case_id: id },
      })
      .execute()
  if (wanted.touchedAt !== undefined)
    await db
      .insertInto('case_steps')
      .values({ case_id: id, step: 'fixed', at: wanted.touchedAt, person: null })
      .execute()
  for (const mode of wanted.said ?? [])
    await db
      .insertInto('diagnoses')
      .values({
        ...{ alarm: `alm_${count}`, asset, site: 'plant', model: 'mdl_1', stage: 'shadow', at: 1 },
        ...{ state: mode === null ? 'none' : 'named', mode, probability: null, detail: '{}' },
      })
      .execute()
  await createFeedback(store).learn(id)
}

test('cases of like machines are learned from, until somebody touched the machine, in the spelling most use', async () => {
  await close({ failureMode: 'Seal leak' })
  await close({ failureMode: 'seal  leak ', asset: 'twin', touchedAt: 300 })
  await close({ failureMode: 'Seal leak', touchedAt: 50 })
  const { cases } = await readLabelledCases(store, 'press')
  expect(cases.map(({ asset, mode, from, to }) => [asset, mode, from, to])).toEqual([
    ['press', 'Seal leak', 100, 500],
    ['twin', 'Seal leak', 100, 300],
    ['press', 'Seal leak', 100, 500],
  ])
})

test('hours of planned maintenance are not learned from, nor a case whose alarm lies wholly in them', async () => {
  await insertWork(store, { from: 50, to: 400, endedAt: 300 })
  await close({ failureMode: 'Seal leak' })
  await close({ failureMode: 'Seal leak', alarm: { from: 100, to: 200 } })
  await close({ failureMode: 'Seal leak', asset: 'twin' })
  const { cases, withoutAlarm } = await readLabelledCases(store, 'press')
  expect(cases.map(({ asset, from, to }) => [asset, from, to])).toEqual([
    ['press', 300, 500],
    ['twin', 100, 500],
  ])
  expect(withoutAlarm).toBe(1)
})

test('machines at other sites of the customer are like ones, those of another customer are not', async () => {
  const { db } = store
  for (const [site, tenant] of [
    ['plant', 'ten_a'],
    ['annex', 'ten_a'],
    ['rival', 'ten_b'],
  ] as const) {
    const row = { id: site, tenant, name: site, time_zone: 'UTC' }
    await db.insertInto('sites').values(row).execute()
    const asset = { id: `press-${site}`, site, name: site, kind: 'press', model: null }
    await db.insertInto('assets').values(asset).execute()
    await close({ failureMode: `seen at ${site}`, asset: `press-${site}` })
  }
  const { cases } = await readLabelledCases(store, 'press')
  expect(cases.map(({ mode }) => mode)).toEqual(['seen at plant', 'seen at annex'])
})

test('no nuisance, no nameless case and none without an alarm is learned from; two modes are wanted', async () => {
  for (let i = 0; i < 3; i++) await close({ failureMode: 'leak' })
  await close({ failureMode: 'jam', usefulness: 'too-sensitive' })
  await close({})
  await close({ failureMode: 'jam', alarm: null })
  for (let i = 0; i < 2; i++) await close({ failureMode: 'jam' })
  const found = await readLabelledCases(store, 'press')
  expect(pickLearnable(found.cases).size).toBe(0)
  expect(describeReadiness(found, undefined)).toMatchObject({
    modes: [
      { mode: 'leak', cases: 3 },
      { mode: 'jam', cases: 2 },
    ],
    ...{ withoutAlarm: 1, withoutMode: 1, ready: false, proposed: false },
  })
  await close({ failureMode: 'jam' })
  const more = await readLabelledCases(store, 'press')
  expect(describeReadiness(more, undefined)).toMatchObject({ ready: true, proposed: true })
  expect(describeReadiness(more, 2000)).toMatchObject({ ready: true, proposed: false })
})

test('what was said last of a case is right, wrong, or no name at all', async () => {
  await close({ failureMode: 'leak', said: [null, 'Leak'] })
  await close({ failureMode: 'leak', said: ['jam'] })
  await close({ failureMode: 'leak', said: ['leak', null] })
  await close({ failureMode: 'leak' })
  expect(await readNamedCases(store, 'mdl_1')).toEqual({ cases: 3, right: 1, wrong: 1 })
})
