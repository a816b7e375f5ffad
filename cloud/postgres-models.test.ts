/** Models on PostgreSQL: what is removed, and many people at once; what SQLite takes one after the other, it does not. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertPressRule } from './alarms/stored-rule.fixture.ts'
import { type Audit, openAudit } from './audit/audit.ts'
import { openModelSigner } from './identity/model-signer.ts'
import { type NewModel, openRegistry, type Registry } from './registry/registry.ts'
import { createKeptStates } from './scoring/kept-states.ts'
import { openStore, type Store } from './store/store.ts'
import {
  findPostgres,
  openThrowawayPostgres,
  type ThrowawayPostgres,
} from './store/test/throwaway-postgres.ts'
import { KEPT_JOBS, removeObsoleteJobs } from './training/job-retention.ts'

const bin = await findPostgres()
const DAY = 86_400_000
const ina = { login: 'ina' }
const model: NewModel = {
  ...{ asset: 'press', site: 'plant', name: 'press', kind: 'multivariate', source: 'trained' },
  ...{ stage: 'shadow', createdBy: 'ina', periods: [] },
  facts: {
    ...{ trainedRows: 900, periodMs: 1000, threshold: 2, tags: ['a'], metrics: {}, dataHash: 'd' },
  },
  files: { 'model.onnx': new Uint8Array([1]), 'manifest.json': new Uint8Array([3]) },
}

describe.skipIf(!bin)('models on PostgreSQL (apt-get install postgresql)', () => {
  let dir: string
  let postgres: ThrowawayPostgres
  let store: Store
  let audit: Audit
  let registry: Registry
  let now = 1_700_000_000_000
  const add = async (change: Partial<NewModel>) =>
    (await registry.register({ ...model, ...change })).id
  const stagesOf = async (asset: string) =>
    (await registry.list({ asset })).map(({ version, stage }) => `${version} ${stage}`)

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mimamori-pg-models-'))
    postgres = await openThrowawayPostgres(bin!)
    store = await openStore({ url: await postgres.createDatabase('models') })
    audit = await openAudit(store)
    registry = await openRegistry({
      ...{ store, audit, dir: join(dir, 'models'), now: () => now },
      signer: await openModelSigner(join(dir, 'pki')),
      onChange: () => undefined,
    })
  })
  afterAll(async () => {
    await store?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })

  it('retires surplus automatic versions, and none that an alarm with a case speaks of', async () => {
    const auto = { automatic: true, createdBy: 'drift' } as const
    const first = await add(auto)
    await insertPressRule(store, first)
    await store.db
      .insertInto('alarms')
      .values({
        ...{ id: 'alm_1', rule: 'r', asset: 'press', site: 'plant', raised_at: now, peak: 2 },
        ...{ previous_state: 'active-acked', state: 'normal', cleared_at: now, acked_at: now },
        ...{ acked_by: 'ina', severity: 700, message: 'x', contributions: '[]' },
        ...{ case_id: 'cas_1', model: first },
      })
      .execute()
    for (let i = 0; i < 4; i++) {
      now += 1000
      await add(auto)
    }
    expect(await stagesOf('press')).toEqual([
      ...['5 shadow', '4 shadow', '3 shadow', '2 retired', '1 shadow'],
    ])
  })

  it('removes old versions with their events and files, and frees the jobs that made them', async () => {
    const asset = 'mixer'
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.push(await add({ asset }))
    for (const id of ids) await registry.setStage(ina, id, { stage: 'retired', reason: 'old' })
    await store.db
      .insertInto('training_jobs')
      .values({
        ...{ id: 'job_made', asset, site: 'plant', state: 'done', phase: '', progress: 1 },
        ...{ requested_at: 1, requested_by: 'ina', ended_at: 1, problem: null, model: ids[0]! },
        ...{ request: '{}', back_test: null },
      })
      .execute()
    now += 400 * DAY
    const removed = await registry.retain({ keepVersions: 2, keepDays: 30 })
    expect(removed).toContain(ids[0])
    expect(await stagesOf(asset)).toEqual(['3 retired', '2 retired'])
    expect(await readdir(join(dir, 'models'))).not.toContain(ids[0])
    const made = store.db.selectFrom('training_jobs').select('model').where('id', '=', 'job_made')
    expect(await made.execute()).toEqual([{ model: null }])
  })

  it('removes old jobs, more of them than one statement takes', async () => {
    const rows = Array.from({ length: KEPT_JOBS + 520 }, (_, i) => ({
      ...{ id: `job_${i}`, asset: 'till', site: 'plant', state: 'done' as const, phase: '' },
      ...{ progress: 1, requested_at: i, requested_by: 'schedule', ended_at: i, problem: null },
      ...{ model: null, request: '{}', back_test: '{}' },
    }))
    await store.db.insertInto('training_jobs').values(rows).execute()
    expect(await removeObsoleteJobs(store, audit)).toBe(520)
    const left = store.db.selectFrom('training_jobs').select('id').where('asset', '=', 'till')
    expect(await left.execute()).toHaveLength(KEPT_JOBS)
  })

  it('numbers versions that are registered at once one after the other', async () => {
    const asset = 'press-2'
    await Promise.all(Array.from({ length: 6 }, () => add({ asset })))
    const numbers = (await registry.list({ asset })).map(({ version }) => version)
    expect(numbers.sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('has one active version when several people put theirs in use at once, and the others hear why not', async () => {
    const asset = 'press-3'
    const ids: string[] = []
    for (let i = 0; i < 4; i++) ids.push(await add({ asset }))
    const reason = { reason: 'mine is better' }
    const tried = await Promise.allSettled(
      ids.map((id) => registry.setStage(ina, id, { stage: 'active', ...reason })),
    )
    const active = (await registry.list({ asset })).filter(({ stage }) => stage === 'active')
    expect(active).toHaveLength(1)
    for (const one of tried)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'model.conflict' })
    // Retired is only who was in use: of none is said that it was and was not.
    const events = await store.db
      .selectFrom('model_events')
      .select(['model', 'detail'])
      .where('model', 'in', ids)
      .where('kind', '=', 'stage')
      .orderBy('id')
      .execute()
    let inUse: string | undefined
    for (const { model: id, detail } of events) {
      const { from, to } = JSON.parse(detail)
      if (from === 'active') expect(inUse).toBe(id)
      inUse = to === 'active' ? id : inUse === id ? undefined : inUse
    }
    expect(inUse).toBe(active[0]?.id)
  })

  it('rolls back once when two people do so at once', async () => {
    const asset = 'press-4'
    const [good, bad] = [await add({ asset }), await add({ asset })]
    await registry.setStage(ina, good, { stage: 'active', reason: 'first' })
    await registry.setStage(ina, bad, { stage: 'active', reason: 'second' })
    const tried = await Promise.allSettled(
      [1, 2].map(() => registry.setStage(ina, good, { stage: 'active', reason: 'back' })),
    )
    expect(tried.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(tried.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'model.conflict' },
    })
    expect(await stagesOf(asset)).toEqual(['2 retired', '1 active'])
  })

  it('keeps what live scoring remembers, changed and forgotten', async () => {
    const states = createKeptStates(store)
    const state = (key: string, at: number) =>
      ({ kind: 'drift', key, at, state: `{"at":${at}}` }) as const
    await states.write([state('a', 1), state('b', 1)])
    await states.write([state('a', now), state('c', 1)])
    const again = await createKeptStates(store).read('drift')
    expect(again.sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual([state('a', now), state('c', 1)])
  })
})
