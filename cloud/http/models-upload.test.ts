/** A model that scikit-learn made, uploaded over the API: the same as from the command line, and in shadow. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Errors } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { calibrateExternal } from '../../models/external/calibrate-external.ts'
import { readTable, type Table } from '../../models/train/table.ts'
import { ModelDetail, ModelVersionView, type UploadRequest } from '../../protocol/api-models.ts'
import { quality, type TagId } from '../../protocol/model.ts'
import { config, openTestCloud, type TestCloud } from './test/test-cloud.ts'

const fixture = (name: string) => join(import.meta.dirname, '../../models/external/fixtures', name)
const PERIOD_MS = 1000
const tagOf = (name: string): TagId => `plant/gw/plc/${name}`
const [press] = config.assets

let cloud: TestCloud
let normal: Table
let startAt = 0
beforeAll(async () => {
  normal = await readTable(fixture('normal.csv'))
  const tags = normal.names.map(tagOf)
  cloud = await openTestCloud({ moreAssets: [{ ...press!, id: 'pump', name: 'Pump', tags }] })
  startAt = (Math.floor(Date.now() / PERIOD_MS) - normal.rows) * PERIOD_MS
  const samples = normal.columns.flatMap((column, i) =>
    [...column].map((value, row) => {
      const at = startAt + row * PERIOD_MS
      return { tag: tags[i]!, at, value, quality: quality.good }
    }),
  )
  await cloud.historian.write(samples)
})
afterAll(() => cloud?.[Symbol.asyncDispose]())

async function upload(name: string, manifest: object) {
  const onnx = await readFile(fixture(`${name}.onnx`))
  const tags = normal.names.map((tag) => ({ name: tag }))
  const body: UploadRequest = {
    manifest: { name, tags, periodMs: PERIOD_MS, ...manifest },
    onnxBase64: onnx.toString('base64'),
    periods: [{ from: startAt, to: startAt + (normal.rows - 1) * PERIOD_MS }],
  }
  return await cloud.call('/api/assets/pump/models', { as: 'engineer', body })
}

test('an IsolationForest, whose low scores are abnormal, comes out in shadow as the command line calibrates it', async () => {
  const name = 'sklearn-isolation-forest'
  const answer = await upload(name, { outputs: { score: 'scores' }, abnormal: 'low' })
  expect(answer.status, answer.text).toBe(200)
  expect(Errors(ModelVersionView, answer.body)).toEqual([])
  const { manifest } = await calibrateExternal(
    {
      ...{ bytes: await readFile(fixture(`${name}.onnx`)), name, tags: normal.names },
      ...{ periodMs: PERIOD_MS, score: 'scores', abnormal: 'low' },
    },
    normal,
  )
  const { id } = answer.body as ModelVersionView
  const detail = (await cloud.call(`/api/models/${id}`, { as: 'engineer' })).body
  expect(Errors(ModelDetail, detail)).toEqual([])
  expect(detail).toMatchObject({ kind: 'external', stage: 'shadow', source: 'uploaded' })
  expect(detail).toMatchObject({ intact: true, tags: normal.names, trainedRows: normal.rows })
  expect(detail.threshold).toBe(manifest.threshold)
  expect(detail.card).toContain('low is abnormal')
  expect(detail.card).toContain('1.15 ×')
  // From the first sample on: the days before it are no history.
  expect(detail.backTest.rows).toBeGreaterThanOrEqual(normal.rows)
  expect(detail.backTest.rows).toBeLessThan(normal.rows + 120)
})

test('a classifier with a ZipMap is refused with the option that mends it, and no version is made', async () => {
  const answer = await upload('sklearn-zipmap', {})
  expect(answer).toMatchObject({ status: 422 })
  expect(answer.body.detail).toMatch(/ZipMap.*"zipmap": False/)
  const { models } = (await cloud.call('/api/assets/pump/models', { as: 'engineer' })).body
  expect(models.filter(({ name }: ModelVersionView) => name === 'sklearn-zipmap')).toEqual([])
})

test('a regressor of LightGBM comes out as a remaining life that nobody is told of before it is put in use', async () => {
  const answer = await upload('lightgbm-regressor', {
    ...{ kind: 'remaining-life', stepHours: 0.01, capHours: 1000, hoursPerUnit: 24 },
    ...{ errorHours: { low: 10, high: 10 }, trainedOn: { units: 100, rows: 20_631 } },
  })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toMatchObject({ kind: 'life', stage: 'shadow', threshold: null })
  expect(answer.body).toMatchObject({ trainedRows: 20_631, dataHash: null, emptyCells: null })
  const { id } = answer.body as ModelVersionView
  const detail = (await cloud.call(`/api/models/${id}`, { as: 'engineer' })).body
  expect(Errors(ModelDetail, detail)).toEqual([])
  expect(detail.card).toContain('trained elsewhere on 100 lives')
  const life = async () =>
    (await cloud.call('/api/assets/pump/life', { as: 'engineer' })).body.items as object[]
  expect(await life()).toEqual([])
  const body = { stage: 'active', reason: 'as agreed' }
  await cloud.call(`/api/models/${id}/stage`, { as: 'engineer', body })
  expect(await life()).toMatchObject([{ what: 'lightgbm-regressor', source: 'life' }])
})
