/** Two people at once: who trains, who takes back, and what a job says that ended in the same moment. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { openAudit } from '../audit/audit.ts'
import type { Historian } from '../historian/historian.ts'
import { openStore } from '../store/store.ts'
import { openPlantHistory, plant, START } from './plant.fixture.ts'
import { openTraining } from './training.ts'

const ina = { login: 'ina' }
const log = createLog('test')
log.level = 'silent'
const wanted = { periods: [{ from: START, to: START + 60_000 }], periodMs: 1000 }

let dir: string
let history: Historian
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-races-'))
  history = await openPlantHistory(join(dir, 'h.duckdb'), { seconds: 90 })
})
afterAll(async () => {
  await history[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

async function open() {
  const store = await openStore({ file: ':memory:' })
  const training = await openTraining({
    ...{ store, audit: await openAudit(store), history, log, versionsOf: async () => [] },
    now: () => START + 90_000,
    assetOf: async (id) => ({ ...plant, id }),
    register: async () => 'mdl_1',
    onChange: () => undefined,
  })
  return {
    ...{ store, training },
    async [Symbol.asyncDispose]() {
      await training[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

test('of two who train an asset in the same moment one is told that the asset has a job', async () => {
  await using t = await open()
  const tried = await Promise.allSettled([1, 2].map(() => t.training.train(ina, 'press', wanted)))
  expect(tried.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(tried.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'training.busy' },
  })
})

test('a job that ended while it was being taken back stays what it was', async () => {
  await using t = await open()
  const { id } = await t.training.train(ina, 'press', wanted)
  await t.training.idle()
  const say = (state: 'running' | 'done') =>
    t.store.db.updateTable('training_jobs').set({ state }).where('id', '=', id).execute()
  // As somebody sees it who looked just before it ended.
  await say('running')
  const cancelling = t.training.cancel(ina, id)
  await say('done')
  expect((await cancelling).state).toBe('done')
})

test('a job whose end could not be written down does not block its asset for ever', async () => {
  await using t = await open()
  const { id } = await t.training.train(ina, 'press', wanted)
  await t.training.idle()
  const lost = { state: 'running', ended_at: null, problem: null } as const
  await t.store.db.updateTable('training_jobs').set(lost).where('id', '=', id).execute()
  await t.training.train(ina, 'mixer', wanted)
  await t.training.idle()
  expect(await t.training.get(id)).toMatchObject({ state: 'failed', endedAt: START + 90_000 })
})
