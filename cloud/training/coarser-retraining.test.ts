/** Coarser live values queue one training into shadow: when the live history is enough, once, and not the same day again after a failure. */
import { expect, test } from 'vitest'
import type { TrainingJobView, TrainingProposal, TrainRequest } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { openStore } from '../store/store.ts'
import { COARSER, createCoarserRetraining } from './coarser-retraining.ts'

const HOUR = 3_600_000
const START = 1_700_000_000_000
const log = createLog('test')
log.level = 'silent'
const found = { model: 'mdl_1', steps: { TS4: 0.5 }, since: START }

/** Only the queue is stood in for: what is asked of it is what is looked at; its jobs are rows. */
async function open() {
  const store = await openStore({ file: ':memory:' })
  const clock = { now: START + HOUR, enough: true, busy: false, looks: 0 }
  const asked: { login: string; wanted: TrainRequest }[] = []
  const enter = async (state: 'done' | 'failed') =>
    await store.db
      .insertInto('training_jobs')
      .values({
        ...{ id: `job_${clock.now}`, asset: 'press', site: 'plant', state, phase: '', progress: 1 },
        ...{ requested_at: clock.now, requested_by: COARSER, request: '{}' },
        ...{ ended_at: clock.now, problem: null, model: null, back_test: null },
      })
      .execute()
  const training = {
    async propose(_: string, { from = 0 }) {
      clock.looks += 1
      return { periods: [{ from, to: clock.now }], enough: clock.enough } as TrainingProposal
    },
    async train({ login }: { login: string }, _: string, wanted: TrainRequest) {
      if (clock.busy) throw new Fault('training.busy', { state: 'running' })
      asked.push({ login, wanted })
      return {} as TrainingJobView
    },
  }
  const start = () => createCoarserRetraining({ store, training, log, now: () => clock.now })
  return { store, clock, asked, enter, start, [Symbol.asyncDispose]: store[Symbol.asyncDispose] }
}

test('it waits for enough live history, looks seldom, and says why on the job', async () => {
  await using t = await open()
  const coarser = t.start()
  t.clock.enough = false
  for (let i = 0; i < 100; i++) await coarser.note('press', found)
  expect([t.clock.looks, t.asked]).toEqual([1, []])
  t.clock.now += HOUR
  t.clock.enough = true
  await coarser.note('press', found)
  const wanted = { periods: [{ from: START }], automatic: true }
  expect(t.asked).toMatchObject([{ login: COARSER, wanted }])
  expect(t.asked[0]!.wanted.note).toContain('coarser than those the active version learned from')
  expect(t.asked[0]!.wanted.note).toContain('TS4 in 0.50')
})

test('what was trained is not trained again after a restart, but for the next active version it is', async () => {
  await using t = await open()
  await t.enter('done')
  await t.start().note('press', found)
  expect(t.asked).toEqual([])
  await t.start().note('press', { ...found, model: 'mdl_2', since: t.clock.now + 1 })
  expect(t.asked).toHaveLength(1)
})

test('a training that failed, and a queue that is full, are tried again later', async () => {
  await using t = await open()
  await t.enter('failed')
  await t.start().note('press', found)
  expect(t.asked).toEqual([])
  t.clock.now += 25 * HOUR
  const coarser = t.start()
  t.clock.busy = true
  await coarser.note('press', found)
  t.clock.busy = false
  t.clock.now += HOUR
  await coarser.note('press', found)
  expect(t.asked).toHaveLength(1)
})
