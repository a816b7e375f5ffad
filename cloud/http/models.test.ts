/** The life of a model over the API: proposed, trained, looked at, made active, judged, taken back. */

import type { TSchema } from 'typebox'
import { Errors } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Explanation } from '../../protocol/api-explanation.ts'
import {
  AssetModels,
  ModelDetail,
  Scoreboard,
  TrainingJobView,
  TrainingProposal,
} from '../../protocol/api-models.ts'
import { quality } from '../../protocol/model.ts'
import { openTestCloud, type TestCloud } from './test/test-cloud.ts'

const ROWS = 700
const NOW = Math.floor(Date.now() / 1000) * 1000

let cloud: TestCloud
beforeAll(async () => {
  cloud = await openTestCloud()
  let value = 40
  const samples = Array.from({ length: ROWS }, (_, row) => {
    value = 40 + 0.8 * (value - 40) + Math.sin(row * 12.9898) * 0.5
    const at = NOW - (ROWS - row) * 1000
    return { tag: 'plant/gw/plc/temp', at, value, quality: quality.good } as const
  })
  await cloud.historian.write(samples)
})
afterAll(() => cloud?.[Symbol.asyncDispose]())

/** The body, which must be exactly what the contract says. */
async function ask<T>(schema: TSchema, path: string, body?: object): Promise<T> {
  const answer = await cloud.call(path, { as: 'engineer', body })
  expect(answer.status, answer.text).toBe(200)
  expect(Errors(schema, answer.body)).toEqual([])
  return answer.body as T
}

let model = ''

test('what is proposed is trained, and comes out in shadow with its card and its back-test', async () => {
  const span = `from=${NOW - ROWS * 1000}&to=${NOW}`
  const proposal = await ask<TrainingProposal>(
    TrainingProposal,
    `/api/assets/press/training-proposal?${span}`,
  )
  expect(proposal).toMatchObject({ enough: true, periodMs: 1000 })
  const body = { periods: proposal.periods, note: 'first model' }
  const { id } = await ask<TrainingJobView>(TrainingJobView, '/api/assets/press/train', body)
  await cloud.services.models.training.idle()
  const job = await ask<TrainingJobView>(TrainingJobView, `/api/training-jobs/${id}`)
  expect(job).toMatchObject({ state: 'done', problem: null, requestedBy: 'engineer' })
  model = job.model ?? ''
  const detail = await ask<ModelDetail>(ModelDetail, `/api/models/${model}`)
  expect(detail).toMatchObject({ kind: 'one-tag', stage: 'shadow', version: 1, source: 'trained' })
  expect(detail).toMatchObject({ tags: ['temp'], intact: true, periods: proposal.periods })
  expect(detail.card).toContain('first model')
  expect(detail.backTest?.rows).toBeGreaterThan(600)
})

test('made active it speaks for the asset; a factor on its threshold is shown, and taken back', async () => {
  const because = { reason: 'looks right' }
  const active = { ...because, stage: 'active' }
  expect(
    (await cloud.call(`/api/models/${model}/stage`, { as: 'engineer', body: active })).body,
  ).toMatchObject({ id: model, stage: 'active' })
  const { models, job } = await ask<AssetModels>(AssetModels, '/api/assets/press/models')
  expect(models.map(({ id, stage }) => [id, stage])).toEqual([[model, 'active']])
  expect(job?.state).toBe('done')
  for (const [factor, threshold] of [
    [2, 2],
    [1, 1],
  ] as const) {
    const body = { ...because, factor }
    const answer = await cloud.call(`/api/models/${model}/threshold`, { as: 'engineer', body })
    expect(answer.body).toMatchObject({ threshold })
  }
  const again = await cloud.call(`/api/models/${model}/stage`, {
    as: 'engineer',
    body: { ...because, stage: 'canary' },
  })
  expect(again).toMatchObject({ status: 409, body: { code: 'model.conflict' } })
})

test('an alarm is explained, and "this was normal" queues a training with its stretch', async () => {
  const { alarm } = await cloud.trouble('press')
  const explained = await ask<Explanation>(Explanation, `/api/alarms/${alarm}/explanation`)
  expect(explained).toMatchObject({ tags: [], movedFirst: [], similar: [] })
  const body = { note: 'a new product' }
  const job = await ask<TrainingJobView>(TrainingJobView, `/api/alarms/${alarm}/was-normal`, body)
  expect(job).toMatchObject({ asset: 'press', requestedBy: 'engineer' })
  await cloud.services.models.training.idle()
})

test('retraining is set and read, the scoreboard has its line, and everything stands in the audit', async () => {
  const wanted = { everyDays: 30, onDrift: true }
  await cloud.call('/api/assets/press/retraining', { as: 'engineer', body: wanted })
  const { retraining } = await ask<AssetModels>(AssetModels, '/api/assets/press/models')
  expect(retraining).toEqual(wanted)
  const { rows } = await ask<Scoreboard>(Scoreboard, '/api/scoreboard')
  expect(rows.find((row) => row.model.id === model)).toMatchObject({ alarms: 0, precision: null })
  const acts = (await cloud.services.audit.list({ limit: 50 })).map(({ action }) => action)
  expect(acts).toEqual(
    expect.arrayContaining([
      ...['model.train', 'model.register', 'model.stage', 'model.threshold'],
      ...['alarm.was-normal', 'model.retraining'],
    ]),
  )
})
