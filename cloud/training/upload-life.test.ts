/** Models of remaining life from elsewhere: tried on the machine's past, entered in shadow, and asked live as they were tried. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeModel } from '../../models/onnx/encode-model.ts'
import { createGraph } from '../../models/onnx/graph.ts'
import { openSession } from '../../models/session.ts'
import { trainLife } from '../../models/train/rul/train-life.ts'
import { openAudit } from '../audit/audit.ts'
import type { Historian } from '../historian/historian.ts'
import { estimateLife } from '../scoring/life-estimate.ts'
import { openStore, type Store } from '../store/store.ts'
import { openPlantHistory, plant, START } from './plant.fixture.ts'
import { createUpload } from './upload.ts'
import type { NewLife } from './upload-life.ts'

const SECONDS = 900
const NOW = START + SECONDS * 1000
const HOUR = 3_600_000
/** A row every 36 s, the answer in days; about 12 days, as pressure is about 5. */
const given = {
  ...{ name: 'rul', kind: 'remaining-life', tags: [{ name: 'flow' }, { name: 'pressure' }] },
  ...{ stepHours: 0.01, hoursPerUnit: 24, capHours: 1000, trainedOn: { units: 100, rows: 20_631 } },
  ...{ errorHours: { low: 48, high: 72 }, notes: 'By the workshop.' },
}

/** 22 less twice the mean pressure of the last five rows, in days. */
function createOnnx(): string {
  const graph = createGraph('elsewhere')
  graph.input('x', ['B', 5, 2])
  const mean = graph.node('ReduceMean', ['x'], { attributes: { axes: [1], keepdims: 0 } })
  const twice = graph.node('MatMul', [mean, graph.float('weights', [2, 1], [0, -2])])
  graph.node('Add', [twice, graph.float('c', [1], [22])], { into: 'days' })
  graph.output('days', ['B', 1])
  const about = { producerName: 'test', producerVersion: '1', metadata: {} }
  return Buffer.from(encodeModel(graph.build(), about)).toString('base64')
}

let dir: string
let historian: Historian
let store: Store
const entered: NewLife[] = []
let upload: (manifest: object, onnxBase64: string) => Promise<string>
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-upload-life-'))
  historian = await openPlantHistory(join(dir, 'h.duckdb'), { seconds: SECONDS })
  store = await openStore({ file: ':memory:' })
  const send = createUpload({
    ...{ store, audit: await openAudit(store), history: historian, now: () => NOW },
    assetOf: async (id) => (id === plant.id ? plant : undefined),
    register: async () => 'none',
    registerLife: async (version) => `mdl_${entered.push(version)}`,
  })
  upload = (manifest, onnxBase64) =>
    send({ login: 'ina' }, 'press', { manifest: { ...manifest }, onnxBase64, periods: [] })
})
afterAll(async () => {
  await historian[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

it('takes the last rows of the machine, answers in its own unit, and says as much live as in its trial', async () => {
  expect(await upload(given, createOnnx())).toBe('mdl_1')
  const { manifest, files, createdBy } = entered[0]!
  expect(createdBy).toBe('ina')
  expect(manifest).toMatchObject({
    ...{ kind: 'remaining-life', tags: ['flow', 'pressure'], step: 0.01, outputs: { rul: 'days' } },
    external: { windowRows: 5, flat: false, hoursPerUnit: 24, error: { low: 48, high: 72 } },
  })
  const card = new TextDecoder().decode(files['card.md'])
  expect(card).toContain('trained elsewhere on 100 lives')
  expect(card).toMatch(/Asked about \d+ moments of this machine's past it said 2\d\d/)
  expect(card).toContain('By the workshop.')
  const item = await estimateLife(
    { manifest, bytes: files['model.onnx']!, tags: plant.tags },
    historian,
    {
      ...{ from: START, now: NOW },
      async run({ bytes, manifest: shape }, windows, batch) {
        await using session = await openSession(bytes, shape)
        return await session.run(windows, batch)
      },
    },
  )
  const days = (at: number | null | undefined) => ((at ?? 0) - NOW) / (24 * HOUR)
  expect(days(item.end?.expected)).toBeCloseTo(12, 0)
  expect(days(item.end?.expected) - days(item.end?.early)).toBeCloseTo(2)
  expect(days(item.end?.late) - days(item.end?.expected)).toBeCloseTo(3)
})

it('takes what mimamori train made, too, as it is', async () => {
  const lines = ['machine,at,flow,pressure']
  for (let unit = 0; unit < 3; unit++)
    for (let day = 0; day < 40; day++) {
      const at = new Date(START + day * 24 * HOUR).toISOString()
      lines.push(`m${unit},${at},${10 + (day + unit) / 9},${5 + day * day * 0.002}`)
    }
  await writeFile(join(dir, 'fleet.csv'), lines.join('\n'))
  const out = join(dir, 'own')
  const columns = { unitColumn: 'machine', timeColumn: 'at' }
  await trainLife({ in: join(dir, 'fleet.csv'), out, name: 'pump', seed: 1, ...columns })
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'))
  const onnx = (await readFile(join(out, 'model.onnx'))).toString('base64')
  await upload(manifest, onnx)
  expect(entered.at(-1)?.manifest).toEqual(manifest)
  await expect(upload(manifest, createOnnx())).rejects.toThrow('its SHA-256 is not the one')
  const own = upload({ ...manifest, timeUnit: 'own' }, onnx)
  await expect(own).rejects.toThrow('train it on histories with dates')
})

it.each([
  ['no interval', { errorHours: undefined }, 'without its interval'],
  ['a tag the machine has not', { tags: [{ name: 'speed' }] }, 'no tag "speed"'],
  ['another width', { tags: [{ name: 'flow' }] }, 'takes 2 tags, the manifest names 1'],
  ['no lives it learned from', { trainedOn: undefined }, 'trainedOn'],
])('is refused in words with %s', async (_, change, words) => {
  await expect(upload({ ...given, ...change }, createOnnx())).rejects.toThrow(words)
})
