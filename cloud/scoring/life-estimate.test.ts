/** Remaining life from a live history, with a model trained on a made-up fleet: dates, intervals, and why there is no number. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession } from '../../models/session.ts'
import { readLifeFolder } from '../../models/train/rul/life-manifest.ts'
import { trainLife } from '../../models/train/rul/train-life.ts'
import type { TagId } from '../../protocol/model.ts'
import type { AssetConfig } from '../fleet/fleet-config.ts'
import { createLifeReader } from '../life-of.ts'
import type { Registry } from '../registry/registry.ts'
import { openStore } from '../store/store.ts'
import {
  estimateLife,
  type LifeModel,
  type LifeQuestion,
  type MeanSource,
} from './life-estimate.ts'

const DAY = 86_400_000
const NOW = 1_700_000_000_000
const LIFE_DAYS = 100

let dir: string
let model: LifeModel
const tags: Record<string, TagId> = { heat: 's/g/d/heat', flow: 's/g/d/flow' }

let state = 5
const noise = () => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state / 2 ** 31 - 0.5
}
/** Both tags wear towards the end of a life. */
const read = (day: number, life: number) => {
  const wear = Math.exp((day - life) / 25)
  return { heat: 40 + 12 * wear + noise(), flow: 900 - 60 * wear + 4 * noise() }
}

/** A model of so many machines that failed. */
async function trainFleet(units: number): Promise<LifeModel> {
  const lines = ['machine,at,heat,flow']
  for (let unit = 0; unit < units; unit++) {
    const life = 70 + ((unit * 37) % 50)
    for (let day = 0; day <= life; day++) {
      const { heat, flow } = read(day, life)
      lines.push(`m${unit},${new Date(NOW + day * DAY).toISOString()},${heat},${flow}`)
    }
  }
  await writeFile(join(dir, 'fleet.csv'), lines.join('\n'))
  const out = join(dir, `model-${units}`)
  const columns = { unitColumn: 'machine', timeColumn: 'at' }
  await trainLife({ in: join(dir, 'fleet.csv'), out, name: 'pump', seed: 1, ...columns })
  return { ...(await readLifeFolder(out)), tags }
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-life-estimate-'))
  model = await trainFleet(22)
})
afterAll(() => rm(dir, { recursive: true }))

/** A machine that has run for so many of its days, until now. */
const runFor = (days: number): MeanSource => ({
  range: async ({ tag, from, to, points }) => {
    const step = Math.ceil((to - from) / points)
    return Array.from({ length: points }, (_, i) => {
      const at = from + i * step
      const day = days - (NOW - at - step / 2) / DAY
      const name = tag.endsWith('heat') ? 'heat' : 'flow'
      return { at, mean: day < -0.5 ? null : read(day, LIFE_DAYS)[name] }
    })
  },
})
const run: LifeQuestion['run'] = async ({ bytes, manifest }, windows, batch) => {
  await using session = await openSession(bytes, manifest)
  return await session.run(windows, batch)
}
const ask = (days: number, change: Partial<LifeModel> = {}) =>
  estimateLife({ ...model, ...change }, runFor(days), {
    ...{ from: NOW - days * DAY, now: NOW, run },
  })

test('a machine near its end gets a date range around the truth, and an order before the early end', async () => {
  const { source, end, orderBy, text } = await ask(85)
  expect(source).toBe('life')
  const truth = NOW + 15 * DAY
  expect(Math.abs(end!.expected - truth)).toBeLessThan(12 * DAY)
  expect(end!.early).toBeLessThanOrEqual(end!.expected)
  expect(end!.late).toBeGreaterThanOrEqual(end!.expected)
  expect(orderBy).toBeGreaterThanOrEqual(NOW)
  expect(orderBy).toBeLessThanOrEqual(Math.max(NOW, end!.early))
  expect(text).toMatch(/^About .* \(90 %\)\.$/)
})

test('the nearer the end, the nearer the date', async () => {
  const ends = []
  for (const days of [60, 80, 95]) ends.push((await ask(days)).end!.expected)
  expect(ends[0]!).toBeGreaterThan(ends[1]!)
  expect(ends[1]!).toBeGreaterThan(ends[2]!)
})

test('there is no number without enough history, without a tag, or for a model without dates', async () => {
  expect(await ask(3)).toMatchObject({ end: null, text: 'Watched for too short: 4 of 10 steps.' })
  expect(await ask(85, { tags: { heat: tags.heat! } })).toMatchObject({
    ...{ end: null, text: 'The asset has no tag for "flow".' },
  })
  const own = { ...model.manifest, timeUnit: 'own' as const }
  expect((await ask(85, { manifest: own })).text).toContain('units of its own')
})

test('with few failures there is a health index instead, which rises as the machine wears', async () => {
  const few = await trainFleet(6)
  expect(few.manifest.kind).toBe('health-index')
  const [young, old] = [await ask(30, few), await ask(98, few)]
  expect(old).toMatchObject({ source: 'health', orderBy: null })
  expect((old.health ?? 0) - (young.health ?? 0)).toBeGreaterThan(0.2)
})

test('it is asked in the thread of the models, and one that gives no answer there has no number', async () => {
  const hang = () => Promise.reject(new Error('no answer within 5000 ms'))
  const span = { from: NOW - 85 * DAY, now: NOW }
  await expect(estimateLife(model, runFor(85), { ...span, run: hang })).rejects.toThrow('5000 ms')
})

test('service is due near the end under one fingerprint a life, not while the machine is healthy', async () => {
  await using store = await openStore({ file: ':memory:' })
  const version = { id: 'mdl_1', kind: 'life', stage: 'active' }
  const asset = { id: 'pump', name: 'Pump', tags: Object.values(tags) } as unknown as AssetConfig
  const dueAfter = async (days: number) => {
    const files: Record<string, Uint8Array> = {
      'model.onnx': model.bytes,
      'manifest.json': new TextEncoder().encode(JSON.stringify(model.manifest)),
    }
    const registry = { list: async () => [version], load: async () => files } as unknown as Registry
    const { range } = runFor(days)
    // Before it was new there is nothing: the first bucket is the beginning.
    const history: MeanSource = {
      range: async (query) => (await range(query)).filter(({ mean }) => mean !== null),
    }
    return createLifeReader({ store, registry, history, assets: [asset], run })
  }
  expect(await (await dueAfter(40)).findDue(NOW)).toEqual([])
  const late = await dueAfter(95)
  const due = [
    { asset: 'pump', fingerprint: 'life:mdl_1:0', title: 'Service due: Pump, by the model pump' },
  ]
  expect(await late.findDue(NOW)).toEqual(due)
  expect(await late.findDue(NOW + 1)).toEqual(due)
  expect(await late.itemsOf('pump', NOW)).toMatchObject([{ source: 'life', what: 'pump' }])
  expect(await late.itemsOf('other', NOW)).toEqual([])
})

test('a machine of which too little was read lately has no number', async () => {
  const silent: MeanSource = { range: async () => [] }
  const item = await estimateLife(model, silent, { from: NOW - 85 * DAY, now: NOW, run })
  expect(item).toMatchObject({ end: null, text: 'Too many of its tags were not read lately.' })
})
