/** Models trained elsewhere: calibrated on normal data and entered, or refused in words, whatever they do. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeModel } from '../../models/onnx/encode-model.ts'
import { createGraph } from '../../models/onnx/graph.ts'
import type { UploadRequest } from '../../protocol/api-models.ts'
import { openAudit } from '../audit/audit.ts'
import type { Historian } from '../historian/historian.ts'
import { openStore } from '../store/store.ts'
import { dryRun } from './dry-run.ts'
import { parseExternalManifest } from './external-manifest.ts'
import { readHistory } from './history.ts'
import { openPlantHistory, plant, START } from './plant.fixture.ts'
import type { NewVersion } from './training.ts'
import { createUpload } from './upload.ts'

const SECONDS = 900
const NOW = START + SECONDS * 1000
const periods = [{ from: START, to: START + 700_000 }]
const given = {
  name: 'ours',
  tags: [{ name: 'flow' }, { name: 'pressure', unit: 'bar' }],
  periodMs: 1000,
}

/** |pressure - 2 flow + 15|: what a script elsewhere might have learned of this plant. */
function createOnnx(): Uint8Array {
  const graph = createGraph('elsewhere')
  graph.input('x', ['B', 2])
  const weights = graph.float('weights', [2, 1], [-2, 1])
  const sum = graph.node('Add', [graph.node('MatMul', ['x', weights]), graph.float('c', [1], [15])])
  graph.node('Sqrt', [graph.node('Mul', [sum, sum])], { into: 'score' })
  graph.output('score', ['B', 1])
  return encodeModel(graph.build(), { producerName: 'test', producerVersion: '1', metadata: {} })
}

let dir: string
let historian: Historian
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-upload-'))
  const fault = [750, 800] as const
  historian = await openPlantHistory(join(dir, 'h.duckdb'), { seconds: SECONDS, fault })
})
afterAll(async () => {
  await historian[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

const readNormal = () => {
  const tags = { flow: plant.tags.flow!, pressure: plant.tags.pressure! }
  return readHistory(historian, { tags, periods, stepMs: 1000 })
}

describe('an uploaded model', () => {
  it('is calibrated, back-tested over the fault it never saw, and entered in shadow with its card', async () => {
    await using store = await openStore({ file: ':memory:' })
    const audit = await openAudit(store)
    const registered: NewVersion[] = []
    const upload = createUpload({
      ...{ store, audit, history: historian, now: () => NOW },
      assetOf: async (id) => (id === plant.id ? plant : undefined),
      register: async (version) => `mdl_${registered.push(version)}`,
      registerLife: async () => 'none',
    })
    const onnxBase64 = Buffer.from(createOnnx()).toString('base64')
    const wanted: UploadRequest = { manifest: given, onnxBase64, periods }
    expect(await upload({ login: 'ina' }, 'press', wanted)).toBe('mdl_1')
    const [version] = registered
    expect(version).toMatchObject({ source: 'uploaded', createdBy: 'ina', periods })
    const { manifest, files } = version!
    expect(manifest.metrics.normalAboveShare).toBeLessThan(0.02)
    expect(manifest).toMatchObject({ kind: 'external', tags: [{ name: 'flow' }, { unit: 'bar' }] })
    const backTest = JSON.parse(new TextDecoder().decode(files['backtest.json']))
    expect(backTest.alarms).toHaveLength(1)
    expect(backTest.alarms[0].from - START).toBeGreaterThanOrEqual(750_000)
    expect(new TextDecoder().decode(files['card.md'])).toContain('Trained elsewhere')
    expect(await audit.list({ limit: 1 })).toMatchObject([{ action: 'model.upload', actor: 'ina' }])
    const none = upload({ login: 'ina' }, 'nobody', wanted)
    await expect(none).rejects.toMatchObject({ code: 'object.missing' })
    const tags = [{ name: 'flow' }, { name: 'speed' }]
    const strange = upload({ login: 'ina' }, 'press', { ...wanted, manifest: { ...given, tags } })
    await expect(strange).rejects.toThrow('it has no tag "speed" with numbers')
  })

  it('that is no model, or not one of these tags, is refused in the words of the trial', async () => {
    const normal = await readNormal()
    const manifest = parseExternalManifest(given)
    const none = dryRun({
      manifest,
      bytes: new Uint8Array([1, 2, 3]),
      normal,
      history: normal,
      work: [],
    })
    await expect(none).rejects.toThrow('The model file model.onnx cannot be used')
    const wide = { ...given, tags: [...given.tags, { name: 'level' }] }
    const order = { manifest: parseExternalManifest(wide), bytes: createOnnx(), normal }
    await expect(dryRun({ ...order, history: normal, work: [] })).rejects.toThrow('takes 2 numbers')
  })

  it('with a manifest that says too little, or one tag twice, is refused with the place', () => {
    expect(() => parseExternalManifest({ ...given, periodMs: undefined })).toThrow('periodMs')
    expect(() => parseExternalManifest({ ...given, name: '../x' })).toThrow('/name')
    const tags = [{ name: 'flow' }, { name: 'flow' }]
    expect(() => parseExternalManifest({ ...given, tags })).toThrow(
      '/tags/1/name: "flow" is listed twice',
    )
  })

  it.each([
    ['takes too long', { deadlineMs: 1 }, 'it took longer than 0.001 s'],
    ['takes too much memory', { maxResidentMb: 5 }, 'it takes more than 5 MB of memory'],
  ])('that %s is ended with its process', async (_, limits, problem) => {
    const normal = await readNormal()
    const manifest = parseExternalManifest(given)
    const order = { manifest, bytes: createOnnx(), normal, history: normal, work: [] }
    await expect(dryRun(order, limits)).rejects.toThrow(problem)
  })
})
