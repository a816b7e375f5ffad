/** Old training jobs go, on a real store; those that somebody may still ask about stay. */
import { expect, test } from 'vitest'
import type { JobState } from '../../protocol/api-models.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore } from '../store/store.ts'
import { COARSER } from './coarser-retraining.ts'
import { KEPT_JOBS, removeObsoleteJobs } from './job-retention.ts'

async function open() {
  const store = await openStore({ file: ':memory:' })
  const audit = await openAudit(store)
  let count = 0
  const add = async (
    change: { asset?: string; by?: string; state?: JobState; model?: string } = {},
  ) => {
    const { asset = 'press', by = 'schedule', state = 'done', model = null } = change
    count += 1
    const id = `job_${count}`
    await store.db
      .insertInto('training_jobs')
      .values({
        ...{ id, asset, site: 'plant', state, phase: '', progress: 1, requested_at: count },
        ...{ requested_by: by, ended_at: count, problem: null, model, request: '{}' },
        back_test: '{}',
      })
      .execute()
    return id
  }
  const addModel = async (id: string) =>
    await store.db
      .insertInto('models')
      .values({
        ...{ id, asset: 'press', site: 'plant', name: 'press', version: 1, kind: 'multivariate' },
        ...{ stage: 'retired', source: 'trained', created_at: 1, created_by: 'ina', factor: 1 },
        ...{ periods: '[]', facts: '{}', sha256: '' },
      })
      .execute()
  const ids = async () => {
    const rows = await store.db.selectFrom('training_jobs').select('id').execute()
    return rows.map(({ id }) => id)
  }
  return { store, audit, add, addModel, ids, [Symbol.asyncDispose]: store[Symbol.asyncDispose] }
}

test('of each asset the newest jobs stay, and older ones that wait, have their version, or are the last of who asked', async () => {
  await using t = await open()
  await t.addModel('mdl_1')
  const gone = [await t.add(), await t.add({ model: 'mdl_gone' }), await t.add({ state: 'failed' })]
  const stay = [
    await t.add({ model: 'mdl_1' }),
    await t.add({ state: 'queued' }),
    await t.add({ by: COARSER }),
    await t.add({ asset: 'mixer' }),
  ]
  const newest = await Promise.all(Array.from({ length: KEPT_JOBS }, () => t.add()))
  expect(await removeObsoleteJobs(t.store, t.audit)).toBe(gone.length)
  expect((await t.ids()).sort()).toEqual([...stay, ...newest].sort())
  expect((await t.audit.list({ limit: 1 }))[0]).toMatchObject({
    ...{ actor: 'retention', action: 'model.train.remove', object: 'press', site: 'plant' },
    detail: '{"jobs":3}',
  })
  expect(await removeObsoleteJobs(t.store, t.audit)).toBe(0)
})

test('more of them than one statement takes are removed together', async () => {
  await using t = await open()
  for (let i = 0; i < KEPT_JOBS + 520; i++) await t.add()
  expect(await removeObsoleteJobs(t.store, t.audit)).toBe(520)
  expect(await t.ids()).toHaveLength(KEPT_JOBS)
  // Where the configuration says so, fewer.
  expect(await removeObsoleteJobs(t.store, t.audit, 5)).toBe(KEPT_JOBS - 5)
})
