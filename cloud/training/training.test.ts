/** Training on site against a real historian and a real thread: from a proposal to a version, and every way not to get there. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { quality } from '../../protocol/model.ts'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { openAudit } from '../audit/audit.ts'
import type { Historian } from '../historian/historian.ts'
import { insertWork } from '../maintenance/stored-window.fixture.ts'
import { openStore } from '../store/store.ts'
import { readHistory } from './history.ts'
import { openPlantHistory, plant, START } from './plant.fixture.ts'
import {
  type KnownVersion,
  type NewVersion,
  openTraining,
  type TrainingOptions,
} from './training.ts'

const SECONDS = 1_500
const FAULT = [1_200, 1_300] as const
const NOW = START + SECONDS * 1000
const ina = { login: 'ina' }
const log = createLog('test')
log.level = 'silent'

let dir: string
let historian: Historian
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-training-'))
  historian = await openPlantHistory(join(dir, 'h.duckdb'), { seconds: SECONDS, fault: FAULT })
})
afterAll(async () => {
  await historian[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

type Own = Partial<Pick<TrainingOptions, 'worker' | 'history' | 'versionsOf'>>

async function open(file = ':memory:', own: Own = {}) {
  const store = await openStore({ file })
  const audit = await openAudit(store)
  const registered: NewVersion[] = []
  const training = await openTraining({
    ...{ store, audit, history: historian, log, now: () => NOW, versionsOf: async () => [] },
    ...own,
    assetOf: async (id) => (id === plant.id ? plant : undefined),
    register: async (version) => `mdl_${registered.push(version)}`,
    onChange: () => undefined,
  })
  return {
    ...{ store, audit, training, registered },
    async [Symbol.asyncDispose]() {
      await training[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

const span = (from: number, to: number) => ({ from: START + from * 1000, to: START + to * 1000 })

test('a proposed period is trained on, back-tested over the fault it left out, and registered with its files', async () => {
  await using t = await open()
  const alarm = { rule: 'r', asset: 'press', site: 'plant', previous_state: 'normal' } as const
  await insertPressRule(t.store)
  await t.store.db
    .insertInto('alarms')
    .values({
      ...alarm,
      ...{ id: 'a', state: 'active-unacked', raised_at: span(FAULT[0], 0).from },
      ...{ cleared_at: span(FAULT[1], 0).from, acked_at: null, acked_by: null, severity: 1 },
      ...{ message: 'Pressure high', contributions: '[]', case_id: null, peak: 3, model: null },
    })
    .execute()
  const proposal = await t.training.propose('press', {})
  expect(proposal).toMatchObject({ periodMs: 1000, enough: true, rowsWanted: 300 })
  expect(proposal.without).toEqual([
    { name: 'batch', reason: 'it comes every 60 s, rows are 1 s apart' },
  ])
  expect(proposal.excluded.map(({ reason }) => reason)).toContain('alarm: Pressure high')
  const [faultFrom, faultTo] = [span(FAULT[0], 0).from, span(FAULT[1], 0).from]
  expect(proposal.periods.every(({ from, to }) => to < faultFrom || from > faultTo)).toBe(true)

  const { id } = await t.training.train(ina, 'press', { periods: proposal.periods })
  await t.training.idle()
  const job = await t.training.get(id)
  expect(job).toMatchObject({ state: 'done', problem: null, progress: 1, model: 'mdl_1' })
  const [hit] = job!.backTest!.alarms
  expect(job!.backTest!.alarms).toHaveLength(1)
  expect(hit!.from).toBeGreaterThan(faultFrom)
  expect(hit!.from).toBeLessThan(faultFrom + 30_000)
  expect(hit!.topTags.some((tag) => tag.startsWith('pressure'))).toBe(true)
  expect(job!.backTest!.series.ratio.length).toBeLessThanOrEqual(1000)
  const [version] = t.registered
  expect(version).toMatchObject({ createdBy: 'ina', source: 'trained' })
  expect(Object.keys(version!.files)).toEqual(
    expect.arrayContaining([
      'model.onnx',
      'manifest.json',
      'card.md',
      'golden.json',
      'backtest.json',
    ]),
  )
  expect(version!.manifest.tags.map(({ name }) => name)).not.toContain('batch')
  expect(version!.manifest.tags.find(({ name }) => name === 'pressure')?.unit).toBe('bar')
  const [entry] = await t.audit.list({ limit: 1 })
  expect(entry).toMatchObject({ actor: 'ina', action: 'model.train', object: id, site: 'plant' })
})

test('planned maintenance is left out of the proposal by its words, cut out of chosen periods, and its alarms stand apart', async () => {
  await using t = await open()
  const work = span(FAULT[0] - 20, FAULT[1] + 20)
  await insertWork(t.store, { ...work, asset: null })
  const proposal = await t.training.propose('press', {})
  const found = proposal.excluded.filter(({ reason }) => reason.startsWith('planned maintenance'))
  expect(found).toMatchObject([{ reason: 'planned maintenance: seal changed' }])
  expect(found[0]!.from).toBeLessThan(work.from + 1000)
  expect(found[0]!.to).toBeGreaterThanOrEqual(work.to - 1000)
  const inside = { periods: [span(FAULT[0], FAULT[1])] }
  const none = await t.training.train(ina, 'press', inside)
  await t.training.idle()
  expect((await t.training.get(none.id))!.problem).toContain('lie wholly in planned maintenance')

  const { id } = await t.training.train(ina, 'press', { periods: [span(0, SECONDS)] })
  await t.training.idle()
  const { backTest, problem } = (await t.training.get(id))!
  expect(problem).toBeNull()
  expect(backTest!.alarms).toEqual([])
  expect(backTest!.maintenance!.windows).toEqual([{ ...work, text: 'seal changed' }])
  expect(backTest!.maintenance!.alarms).toHaveLength(1)
  const [version] = t.registered
  expect(version!.periods).toEqual([
    { from: span(0, 0).from, to: work.from - 1 },
    { from: work.to, to: span(0, SECONDS).to },
  ])
  const card = new TextDecoder().decode(version!.files['card.md'])
  expect(card).toContain('Left out: planned maintenance (seal changed)')
})

test('with a mode tag each of its values has a model, and the back-test says how each would have done', async () => {
  await using t = await open()
  const { modeTags } = await t.training.propose('press', {})
  expect(modeTags).toEqual([{ name: 'program', values: ['clean', 'fast', 'slow'] }])
  const wanted = { periods: [span(0, 1_190), span(1_310, SECONDS)], modeTag: 'program' }
  const { id } = await t.training.train(ina, 'press', { ...wanted, automatic: true })
  await t.training.idle()
  expect(t.registered[0]).toMatchObject({ automatic: true })
  const job = await t.training.get(id)
  expect(job).toMatchObject({ state: 'done', problem: null })
  const [version] = t.registered
  const { modes } = version!.manifest
  expect(modes!.tag).toBe('program')
  expect(modes!.known.map(({ value, folder }) => [value, folder])).toEqual([
    ['slow', undefined],
    ['fast', 'modes/2'],
  ])
  expect(modes!.tooFew).toEqual([{ value: 'clean', rows: expect.any(Number) }])
  expect(Object.keys(version!.files)).toContain('modes/2/model.onnx')
  const card = new TextDecoder().decode(version!.files['card.md'])
  expect(card).toContain('| clean | 97 | too few: unknown |')
  const results = job!.backTest!.modes!
  expect(results.map(({ mode, learned, alarms }) => [mode, learned, alarms])).toEqual([
    ['slow', true, 0],
    ['fast', true, 1],
    ['clean', false, 0],
  ])
  const [slow, fast, clean] = results
  expect(slow!.unknownRows).toBe(fast!.unknownRows)
  expect(clean).toMatchObject({ rows: 100, unknownRows: 100 })

  const none = t.training.train(ina, 'press', { ...wanted, modeTag: 'recipe' })
  await expect(none).rejects.toThrow('it has no tag "recipe" that could tell its mode')
})

test('a training that says nothing of modes keeps those of the active version; null ends them', async () => {
  const active: KnownVersion = {
    ...{ id: 'mdl_0', name: 'press', kind: 'multivariate', stage: 'active', tags: [] },
    ...{ modes: { tag: 'program' }, periodMs: 1000, periods: [], createdAt: 0 },
  }
  await using t = await open(':memory:', { versionsOf: async () => [active] })
  const periods = [span(0, 1_190)]
  await t.training.train(ina, 'press', { periods })
  await t.training.idle()
  await t.training.train(ina, 'press', { periods, modeTag: null })
  await t.training.idle()
  expect(t.registered.map(({ manifest }) => manifest.modes?.tag)).toEqual(['program', undefined])
})

test('a proposal starts with the first good value, not with the hour that it lies in', async () => {
  await using young = await openPlantHistory(join(dir, 'young.duckdb'), { seconds: 400 })
  const tags = Object.values(plant.tags)
  // The gateway was there before its plant: a mark of the cloud, then one of its own.
  const early = tags.flatMap((tag) => [
    { tag, at: START - 2_400_000, value: null, quality: quality.stale },
    { tag, at: START - 2_399_000, value: null, quality: quality.bad },
  ])
  await young.write(early)
  await using t = await open(':memory:', { history: young })
  const { periods, excluded, without } = await t.training.propose('press', { to: START + 400_000 })
  expect(Math.min(...[...periods, ...excluded].map(({ from }) => from))).toBe(START)
  expect(without?.map(({ name }) => name)).toEqual(['batch'])
  expect(excluded).toEqual([])
})

test('too little history fails in words that say how much is there', async () => {
  await using t = await open()
  const { id } = await t.training.train(ina, 'press', { periods: [span(0, 120)] })
  await t.training.idle()
  const job = await t.training.get(id)
  expect(job?.state).toBe('failed')
  expect(job?.problem).toContain('121 complete rows; 300 are needed')
  expect(t.registered).toEqual([])
})

test('an asset has one job at a time; cancelled, it registers nothing and makes room for the next', async () => {
  // A thread that hears and never answers: whether it is cancelled in time is not a matter of luck.
  const silent = join(dir, 'silent.mjs')
  const text =
    "import { parentPort } from 'node:worker_threads'\nparentPort.on('message', () => {})"
  await writeFile(silent, text)
  await using t = await open(':memory:', { worker: pathToFileURL(silent) })
  const { id } = await t.training.train(ina, 'press', { periods: [span(0, 1_000)] })
  await expect(t.training.train(ina, 'press', { periods: [span(0, 9)] })).rejects.toMatchObject({
    code: 'training.busy',
  })
  expect(await t.training.cancel(ina, id)).toMatchObject({ state: 'cancelled', problem: null })
  expect(t.registered).toEqual([])
  expect(await t.training.cancel(ina, id)).toMatchObject({ state: 'cancelled' })
  const next = await t.training.train(ina, 'press', { periods: [span(0, 120)] })
  expect(next.state).not.toBe('cancelled')
  expect(await t.training.cancel(ina, next.id)).toMatchObject({ state: 'cancelled' })
})

test('a job that a stop of the cloud cut off is failed with the reason, also after the next start', async () => {
  const file = join(dir, 'state.db')
  let id = ''
  {
    await using t = await open(file)
    id = (await t.training.train(ina, 'press', { periods: [span(0, 1_000)] })).id
    // As a kill leaves it: the row says running, and nobody is there to say otherwise.
    await t.training[Symbol.asyncDispose]()
    await t.store.db.updateTable('training_jobs').set({ state: 'running' }).execute()
  }
  await using t = await open(file)
  expect(await t.training.get(id)).toMatchObject({ state: 'failed', endedAt: NOW })
  expect((await t.training.get(id))?.problem).toContain('restarted')
})

test('bad, stale and missing values are no training data', async () => {
  const bad = await openPlantHistory(join(dir, 'bad.duckdb'), { seconds: 60 })
  const tag = plant.tags.heat!
  await bad.write([
    { tag, at: START + 20_400, value: null, quality: quality.bad },
    { tag, at: START + 30_400, value: 3, quality: quality.stale },
  ])
  const table = await readHistory(bad, {
    tags: { heat: tag },
    periods: [span(10, 40), span(50, 70)],
    stepMs: 1000,
  })
  const heat = table.columns[table.names.indexOf('heat')]!
  const empty = [...heat].flatMap((value, row) =>
    Number.isNaN(value) ? [(table.at![row]! - START) / 1000] : [],
  )
  // The bad one came after the good one of its step; the history ends at 59 s.
  expect(empty).toEqual([21, 31, ...Array.from({ length: 11 }, (_, i) => 60 + i)])
  await bad[Symbol.asyncDispose]()
})

test('nothing is trained for an asset that is not there', async () => {
  await using t = await open()
  const refused = t.training.train(ina, 'nobody', { periods: [span(0, 9)] })
  await expect(refused).rejects.toMatchObject({ code: 'object.missing' })
})
