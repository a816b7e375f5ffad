/** What is removed of old versions, and above all what is not; on a real store, folder and audit. */
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { openAudit } from '../audit/audit.ts'
import { openModelSigner } from '../identity/model-signer.ts'
import { openStore } from '../store/store.ts'
import { type NewModel, openRegistry } from './registry.ts'

const DAY = 86_400_000
const START = 1_700_000_000_000
const ina = { login: 'ina' }
const policy = { keepVersions: 2, keepDays: 30 }

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-retention-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function open(keepAutomatic?: number) {
  const store = await openStore({ file: join(dir, 'state.db') })
  const audit = await openAudit(store)
  const clock = { now: START }
  const registry = await openRegistry({
    ...{ store, audit, dir: join(dir, 'models'), now: () => clock.now, keepAutomatic },
    signer: await openModelSigner(join(dir, 'pki')),
    onChange: () => undefined,
  })
  /** Registered and taken out of use the same day. */
  const add = async (change: Partial<NewModel> = {}) => {
    const { id } = await registry.register({
      ...{ asset: 'press', site: 'plant', name: 'press', kind: 'multivariate', source: 'trained' },
      ...{ stage: 'shadow', createdBy: 'ina', periods: [], ...change },
      facts: {
        ...{ trainedRows: 900, periodMs: 1000, threshold: 2, tags: ['a'], metrics: {} },
        dataHash: 'd',
      },
      files: { 'model.onnx': new Uint8Array([1]), 'manifest.json': new Uint8Array([3]) },
    })
    clock.now += 1000
    return id
  }
  const set = (id: string, stage: 'active' | 'canary' | 'retired') =>
    registry.setStage(ina, id, { stage, reason: 'as agreed' })
  const old = async () => {
    const id = await add()
    await set(id, 'retired')
    return id
  }
  /** An alarm of the version that has come back to normal. */
  const alarm = async (id: string, model: string, case_id: string | null) =>
    await store.db
      .insertInto('alarms')
      .values({
        ...{ id, rule: 'r', asset: 'press', site: 'plant', raised_at: START },
        ...{ previous_state: 'active-acked', state: 'normal', cleared_at: START, acked_at: START },
        ...{ acked_by: 'ina', severity: 700, message: 'x', contributions: '[]', case_id },
        ...{ peak: 2, model },
      })
      .execute()
  return {
    ...{ store, audit, clock, registry, add, set, old, alarm },
    files: async () => (await readdir(join(dir, 'models'))).sort(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

test('retired versions go when they are old and enough newer ones are there, with their files, and the audit names them', async () => {
  await using t = await open()
  const ids = [await t.old(), await t.old(), await t.old(), await t.old()]
  await t.store.db
    .insertInto('training_jobs')
    .values({
      ...{ id: 'job_1', asset: 'press', site: 'plant', state: 'done', phase: '', progress: 1 },
      ...{ requested_at: 1, requested_by: 'ina', ended_at: 1, problem: null, model: ids[0]! },
      ...{ request: '{}', back_test: null },
    })
    .execute()
  t.clock.now += 29 * DAY
  expect(await t.registry.retain(policy)).toEqual([])
  t.clock.now += 2 * DAY
  expect((await t.registry.retain(policy)).sort()).toEqual(ids.slice(0, 2).sort())
  expect((await t.registry.list({})).map(({ version }) => version)).toEqual([4, 3])
  expect(await t.files()).toEqual(ids.slice(2).sort())
  const removed = (await t.audit.list({ limit: 2 })).map((entry) => [entry.action, entry.object])
  expect(removed).toEqual(expect.arrayContaining(ids.slice(0, 2).map((id) => ['model.remove', id])))
  expect((await t.store.db.selectFrom('training_jobs').select('model').execute())[0]).toEqual({
    model: null,
  })
  expect(await t.registry.retain(policy)).toEqual([])
  expect((await t.registry.get(await t.add()))?.version).toBe(5)
})

test('the active one, the one before it, canary, shadow, that of the configuration, and what a case or a label speaks of stay', async () => {
  await using t = await open()
  const configured = await t.add({ stage: 'active', createdBy: 'configuration' })
  const [withCase, alarming, called, silent] = [
    await t.old(),
    await t.old(),
    await t.old(),
    await t.old(),
  ]
  const [before, active] = [await t.add(), await t.add()]
  await t.set(before, 'active')
  await t.set(active, 'active')
  const canary = await t.add()
  await t.set(canary, 'canary')
  const shadow = await t.add()
  const newest = [await t.old(), await t.old()]
  await insertPressRule(t.store, active)
  await t.alarm('alm_1', withCase, 'cas_1')
  await t.alarm('alm_2', called, null)
  await t.alarm('alm_3', silent, null)
  await t.alarm('alm_4', alarming, null)
  await t.store.db
    .updateTable('alarms')
    .set({ previous_state: 'normal', state: 'active-unacked' })
    .where('id', '=', 'alm_4')
    .execute()
  await t.store.db
    .insertInto('normal_periods')
    .values({
      ...{ asset: 'press', from_at: 1, to_at: 2, alarm: 'alm_2', at: 3, person: 'ina' },
      note: 'cleaning',
    })
    .execute()
  t.clock.now += 400 * DAY
  expect(await t.registry.retain(policy)).toEqual([silent])
  expect((await t.registry.list({})).map(({ id }) => id).sort()).toEqual(
    [configured, withCase, alarming, called, before, active, canary, shadow, ...newest].sort(),
  )
  await t.set(before, 'active')
  expect(await t.registry.load(before)).toHaveProperty('model.onnx')
})

test('of automatic versions only the newest three stay in shadow, never those that a person touched or asked for', async () => {
  await using t = await open()
  const auto = { automatic: true, createdBy: 'schedule' } as const
  const asked = await t.add()
  const [trial, back, tuned] = [await t.add(auto), await t.add(auto), await t.add(auto)]
  await t.set(trial, 'canary')
  await t.set(back, 'canary')
  await t.registry.setStage(ina, back, { stage: 'shadow', reason: 'not yet' })
  await t.registry.setFactor(ina, tuned, { factor: 2, reason: 'as agreed' })
  const other = await t.add({ ...auto, name: 'other' })
  const ids = [await t.add(auto), await t.add(auto), await t.add(auto)]
  const stageOf = async (id: string) => (await t.registry.get(id))?.stage
  expect(await Promise.all([asked, back, tuned, other, ...ids].map(stageOf))).toEqual(
    Array(7).fill('shadow'),
  )
  const newest = [await t.add(auto), await t.add(auto)]
  expect(await Promise.all(ids.map(stageOf))).toEqual(['retired', 'retired', 'shadow'])
  expect(await Promise.all([asked, back, tuned, other, ...newest].map(stageOf))).toEqual(
    Array(6).fill('shadow'),
  )
  expect(await stageOf(trial)).toBe('canary')
  const reason = 'only the newest 3 automatic versions stay in shadow'
  const gone = await t.registry.get(ids[0]!)
  expect(gone && (await t.registry.view(gone))).toMatchObject({
    stageChange: { by: 'retention', reason },
  })
  expect((await t.audit.list({ limit: 9 })).find(({ object }) => object === ids[1])).toMatchObject({
    ...{ actor: 'retention', action: 'model.stage', outcome: 'done' },
    detail: expect.stringContaining(reason),
  })
})

test('how many automatic versions stay is a matter of the configuration, and told with the reason', async () => {
  await using t = await open(1)
  const auto = { automatic: true, createdBy: 'drift' } as const
  const [first, second] = [await t.add(auto), await t.add(auto)]
  expect((await t.registry.get(second))?.stage).toBe('shadow')
  expect(await t.registry.get(first)).toMatchObject({
    stage: 'retired',
    stageChange: { reason: 'only the newest 1 automatic versions stay in shadow' },
  })
})

test('an automatic version that an alarm with a case speaks of stays in shadow', async () => {
  await using t = await open()
  const auto = { automatic: true, createdBy: 'drift' } as const
  const first = await t.add(auto)
  await insertPressRule(t.store, first)
  await t.alarm('alm_1', first, 'cas_1')
  for (let i = 0; i < 4; i++) await t.add(auto)
  const stages = (await t.registry.list({})).map(({ version, stage }) => `${version} ${stage}`)
  expect(stages).toEqual(['5 shadow', '4 shadow', '3 shadow', '2 retired', '1 shadow'])
})

test('a folder that a crash left without a row goes when it is old, and nothing else beside it', async () => {
  await using t = await open()
  const id = await t.add()
  for (const name of ['mdl_young', 'mdl_old', 'notes'])
    await mkdir(join(dir, 'models', name), { recursive: true })
  for (const name of ['mdl_old', 'notes', id])
    await utimes(join(dir, 'models', name), (START - 60 * DAY) / 1000, (START - 60 * DAY) / 1000)
  await t.registry.retain(policy)
  expect(await t.files()).toEqual([id, 'mdl_young', 'notes'].sort())
  // Files that are gone for good are never gone without a word.
  const [newest] = await t.audit.list({ limit: 1 })
  expect(newest).toMatchObject({ action: 'model.remove', object: 'mdl_old', actor: 'retention' })
})
