/** A model that scikit-learn made, uploaded over the API: the same as from the command line, and in shadow. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Errors } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { calibrateExternal } from '../../models/external/calibrate-external.ts'
import { ProtobufWriter } from '../../models/onnx/protobuf.ts'
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

const upload = async (name: string, manifest: object) =>
  uploadBytes(name, await readFile(fixture(`${name}.onnx`)), manifest)

async function uploadBytes(name: string, onnx: Uint8Array, manifest: object) {
  const tags = normal.names.map((tag) => ({ name: tag }))
  const body: UploadRequest = {
    manifest: { name, tags, periodMs: PERIOD_MS, ...manifest },
    onnxBase64: Buffer.from(onnx).toString('base64'),
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

test('a model that would carry a file of the cloud out in its scores is refused, and no version is made', async () => {
  // c lies in the file package.json of the folder that the cloud runs in.
  const message = () => new ProtobufWriter()
  const node = (op: string, ins: readonly string[], out: string) => {
    const made = message()
    for (const name of ins) made.string(1, name)
    return made.string(2, out).string(4, op)
  }
  const port = (name: string, type: number, width: number) => {
    const dims = message()
      .message(1, message().string(2, 'B'))
      .message(1, message().varint(1, width))
    const tensor = message().varint(1, type).message(2, dims)
    return message().string(1, name).message(2, message().message(1, tensor))
  }
  const places = { location: 'package.json', length: '64' }
  const outside = message().varint(1, 64).varint(2, 2).string(8, 'c').varint(14, 1)
  for (const [key, value] of Object.entries(places))
    outside.message(13, message().string(1, key).string(2, value))
  const axis = (name: string) => message().string(1, name).varint(3, 1).varint(20, 2)
  const graph = message()
    .message(1, node('ArgMax', ['x'], 'i').message(5, axis('axis')).message(5, axis('keepdims')))
    .message(1, node('Gather', ['c', 'i'], 'g'))
    .message(1, node('Cast', ['g'], 'score').message(5, axis('to')))
    .string(2, 'g')
    .message(5, outside)
    .message(11, port('x', 1, normal.names.length))
    .message(12, port('score', 1, 1))
  const onnx = message().varint(1, 8).message(7, graph).message(8, message().varint(2, 17))
  const before = (await cloud.call('/api/assets/pump/models', { as: 'engineer' })).body.models
  const answer = await uploadBytes('thief', onnx.finish(), { outputs: { score: 'score' } })
  expect([answer.status, answer.body.detail]).toEqual([
    422,
    expect.stringContaining('some of its numbers lie in another file'),
  ])
  const after = (await cloud.call('/api/assets/pump/models', { as: 'engineer' })).body.models
  expect(after).toHaveLength(before.length)
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
