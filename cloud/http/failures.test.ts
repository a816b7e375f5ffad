/** Known failures from closed cases to what is said of an alarm: enough labels, a training, live sayings, and the evidence of them. */

import type { TSchema } from 'typebox'
import { Errors } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  Explanation,
  FailureReadiness,
  LevelChanges,
  type TrainFailuresRequest,
} from '../../protocol/api-explanation.ts'
import { TrainingJobView } from '../../protocol/api-models.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import { openTestCloud, type TestCloud } from './test/test-cloud.ts'

const NOW = Math.floor(Date.now() / 1000) * 1000
const SECONDS = 4_500
/** What came before this was there to be learned from. */
const SEEN = 3_260
const START = NOW - SECONDS * 1000
const names = ['heat', 'flow', 'level']
const tagOf = (name: string, site = 'plant'): TagId => `${site}/gw/mix/${name}`
const home = { site: 'plant', asset: 'mixer' }
/** Of the same customer, at a site that is not the engineer's. */
const elsewhere = { site: 'shop', asset: 'their-mixer' }
/** What a failure adds to heat, flow and level. */
const faults = { fouling: [4, -2, 0], leak: [0, -3, -5], jam: [-4, 3, 6] }
type Mode = keyof typeof faults
/** Modes as their technicians wrote them. */
const written = {
  fouling: ['Fouling', 'fouling ', 'Fouling'],
  leak: ['leak', 'leak', 'Leak'],
  jam: [],
}

/** A hundred seconds of trouble in every five minutes: three cases of each known mode, then the live ones. */
const troubles = [
  'fouling',
  'leak',
  'fouling',
  'leak',
  'fouling',
  'leak',
  'leak',
  'jam',
  'fouling',
].map((mode, i) => ({ mode: mode as Mode, from: 1_500 + i * 300, to: 1_600 + i * 300 }))
const live = troubles.slice(6)

let cloud: TestCloud
let samples: Sample[]
const notes: { caseId: string; text: string }[] = []
const at = (second: number) => START + second * 1000
const tick = (second: number) =>
  cloud.models.failures.tick(at(second), async (caseId, { text }) => {
    notes.push({ caseId, text })
  })

beforeAll(async () => {
  const [first, theirs, ...rest] = troubles
  samples = createSamples('plant', [first!, ...rest])
  cloud = await openTestCloud({
    moreAssets: [home, elsewhere].map(({ site, asset: id }) => ({
      ...{ id, site, name: `Mixer of ${site}`, kind: 'mixer', targets: [] },
      tags: [...names, 'state'].map((name) => tagOf(name, site)),
      ...{ alarm: { severity: 700 }, recovery: { holdMs: 20_000 } },
    })),
  })
  for (const { site } of [home, elsewhere])
    await cloud.store.db
      .insertInto('tags')
      .values({
        ...{ id: tagOf('state', site), site, gateway: 'gw', device: 'mix', name: 'state' },
        ...{ type: 'String', unit: null },
      })
      .execute()
  await cloud.historian.write(samples.filter((one) => one.at < at(SEEN)))
  await cloud.historian.write(createSamples('shop', [theirs!]))
  const seen = { fouling: 0, leak: 0, jam: 0 }
  for (const [i, { mode, from, to }] of troubles.slice(0, 6).entries())
    await closeCase(`cas_${i}`, { mode: written[mode][seen[mode]++] ?? '', from, to })
})
afterAll(() => cloud?.[Symbol.asyncDispose]())

/** Noise that is the same every time; in the last live trouble a third of the heat is bad. */
function createSamples(site: string, known: typeof troubles): Sample[] {
  let state = 5
  const noise = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31 - 0.5
  }
  const samples: Sample[] = []
  for (let second = 0; second < SECONDS; second++) {
    const trouble = known.find(({ from, to }) => second >= from - 20 && second < to)
    const load = Math.sin(second / 7)
    for (const [i, name] of names.entries()) {
      const off = trouble ? (faults[trouble.mode][i] ?? 0) : 0
      const value = 50 + 10 * i + 2 * load + noise() + off
      const isBad = i === 0 && second > (live[2]?.from ?? 0) + 60
      const own = isBad ? { value: null, quality: quality.bad } : { value, quality: quality.good }
      samples.push({ tag: tagOf(name, site), at: at(second), ...own })
    }
  }
  return samples
}

/** The first leak was elsewhere. */
const placeOf = (id: string) => (id === 'cas_1' ? elsewhere : home)

async function insertCase(id: string, from: number, closed?: { to: number; outcome: object }) {
  await cloud.store.db
    .insertInto('cases')
    .values({
      ...{ id, ...placeOf(id), title: `trouble ${id}`, opened_at: at(from) },
      ...{ previous_state: closed ? 'verifying' : 'reported', source: '{}', verified_at: null },
      ...{ state: closed ? 'closed' : 'reported', closed_at: closed ? at(closed.to) : null },
      ...{ outcome: closed ? JSON.stringify(closed.outcome) : null, report: null },
    })
    .execute()
}

async function insertAlarm(
  id: string,
  { from, to, caseId }: { from: number; to: number | null; caseId: string },
) {
  const [rule] = await cloud.store.db
    .selectFrom('alarm_rules')
    .select('id')
    .where('asset', '=', 'mixer')
    .execute()
  const contributions = [{ tag: tagOf('flow'), name: 'flow', z: -5, direction: 'low' }]
  await cloud.store.db
    .insertInto('alarms')
    .values({
      ...{ id, rule: rule?.id ?? '', ...placeOf(caseId), model: null, peak: 3 },
      ...{ previous_state: to === null ? 'active-unacked' : 'active-acked', raised_at: at(from) },
      ...{ state: to === null ? 'active-acked' : 'normal' },
      ...{ cleared_at: to === null ? null : at(to), acked_at: null, acked_by: null, severity: 1 },
      ...{ message: 'x', contributions: JSON.stringify(contributions), case_id: caseId },
    })
    .execute()
}

async function closeCase(
  id: string,
  { mode, from, to }: { mode: string; from: number; to: number },
) {
  const outcome = {
    ...{ cause: 'worn', action: `mended ${id}`, usefulness: 'useful', failureMode: mode },
  }
  await insertCase(id, from, { to: to + 60, outcome })
  await insertAlarm(`alm_${id}`, { from, to, caseId: id })
  await cloud.services.models.feedback.learn(id)
}

async function ask<Body>(schema: TSchema, path: string, body?: object): Promise<Body> {
  const answer = await cloud.call(path, { as: 'engineer', ...(body && { body }) })
  expect([answer.status, [...Errors(schema, answer.body)]]).toEqual([200, []])
  return answer.body
}
/** As the engineer of the plant. */
const explain = (i: number) => ask<Explanation>(Explanation, `/api/alarms/alm_live${i}/explanation`)

/** The live trouble of this number begins, and the one before it is over. */
async function begin(i: number) {
  const { db } = cloud.store
  const over = { previous_state: 'active-acked', state: 'normal' } as const
  const cleared_at = at(live[i - 1]?.to ?? 0)
  await db
    .updateTable('alarms')
    .set({ ...over, cleared_at })
    .where('cleared_at', 'is', null)
    .execute()
  const dismissed = { previous_state: 'reported', state: 'dismissed' } as const
  await db.updateTable('cases').set(dismissed).where('state', '=', 'reported').execute()
  const { from } = live[i]!
  await insertCase(`cas_live${i}`, from)
  await insertAlarm(`alm_live${i}`, { from, to: null, caseId: `cas_live${i}` })
}

let version = ''
test('three cases of two modes suffice, in whatever spelling, and the training enters a version in shadow', async () => {
  const path = '/api/assets/mixer/failures'
  expect(await ask<FailureReadiness>(FailureReadiness, path)).toMatchObject({
    modes: [
      { mode: 'Fouling', cases: 3 },
      { mode: 'leak', cases: 3 },
    ],
    ...{ ready: true, proposed: true },
  })
  const body: TrainFailuresRequest = { note: 'first try' }
  const job = await ask<TrainingJobView>(TrainingJobView, '/api/assets/mixer/train-failures', body)
  await cloud.services.models.training.idle()
  const { state, problem, model } = (await cloud.services.models.training.get(job.id))!
  expect([state, problem]).toEqual(['done', null])
  version = model!
  const { card, kind, stage, metrics } = (
    await cloud.call(`/api/models/${version}`, { as: 'engineer' })
  ).body
  expect({ kind, stage, metrics }).toMatchObject({
    ...{ kind: 'failures', stage: 'shadow' },
    metrics: { cases: 6, right: 6, majority: 0.5 },
  })
  expect(card).toContain('said Fouling | said leak | none of the known')
  expect(card).toContain('case cas_5 of mixer')
  expect(card).toContain('leak: 1 case elsewhere')
  expect(card).not.toMatch(/cas_1|their-mixer|shop/)
  const after = await ask<FailureReadiness>(FailureReadiness, path)
  expect(after).toMatchObject({ ready: true, proposed: false })
})

test('a version in shadow is kept with the alarm and tells nobody', async () => {
  await cloud.historian.write(samples.filter((one) => one.at >= at(SEEN)))
  await begin(0)
  await tick(live[0]!.from + 40)
  expect(notes).toEqual([])
  expect((await explain(0)).failures).toEqual([])
  const kept = await cloud.store.db.selectFrom('diagnoses').selectAll().execute()
  expect(kept).toMatchObject([{ stage: 'shadow', state: 'named', mode: 'leak' }])
})

test('in use it names a known failure with what fixed it before, and the case has it as evidence', async () => {
  const body = { stage: 'active', reason: 'as it should be' }
  await cloud.call(`/api/models/${version}/stage`, { as: 'engineer', body })
  await cloud.store.db.deleteFrom('diagnoses').execute()
  await tick(live[0]!.from + 70)
  const { failures } = await explain(0)
  expect(failures).toMatchObject([
    { ...{ state: 'named', mode: 'leak', cases: 3, recorded: true, stage: 'active', version: 1 } },
  ])
  expect(failures[0]!.probability).toBeGreaterThan(0.6)
  expect(failures[0]!.probability).toBeLessThan(0.9)
  expect(failures[0]!.fixed.map(({ action }) => action)).toEqual([
    ...['mended cas_5', 'mended cas_3', 'mended cas_1'],
  ])
  expect(failures[0]!.fixed.map((one) => one.case?.id)).toEqual(['cas_5', 'cas_3', undefined])
  const everybody = await cloud.call('/api/alarms/alm_live0/explanation', { as: 'everywhere' })
  expect(everybody.body.failures[0].fixed[2]).toMatchObject({
    ...{ case: { id: 'cas_1', assetName: 'Mixer of shop' }, action: 'mended cas_1' },
  })
  const alike = (await explain(0)).similar
  expect(alike.map(({ action }) => action)).toContain('mended cas_1')
  expect(JSON.stringify(alike)).not.toMatch(/"id":"cas_1"|trouble cas_1|of shop/)
  const said = notes.find(({ caseId }) => caseId === 'cas_live0')
  expect(said?.text).toMatch(/^looks like leak \(\d\d %\), by version 1 of the known failures$/)
  await tick(live[0]!.from + 90)
  expect(notes.filter(({ caseId }) => caseId === 'cas_live0')).toHaveLength(1)
  const acts = await cloud.services.audit.list({ limit: 20 })
  expect(acts.find(({ action }) => action === 'alarm.diagnose')?.detail).toContain('"mode":"leak"')
})

test('a failure that no case ever had is none of the known ones, and bad data make it unknown', async () => {
  const [, jam, blind] = live
  await begin(1)
  await tick(jam!.to)
  expect((await explain(1)).failures).toMatchObject([
    { state: 'none', mode: null, probability: null, candidates: [] },
  ])
  // Of all that is known nothing was ever in the mode of this one.
  const mode = (second: number, value: string, site?: string) => {
    return { tag: tagOf('state', site), at: at(second), value, quality: quality.good } as const
  }
  const told = troubles.flatMap(({ from }) => [
    mode(from, 'mix'),
    mode(from, 'mix', 'shop'),
    mode(from + 150, 'mix'),
  ])
  await cloud.historian.write(told.filter((one) => one.at !== at(jam!.from)))
  await cloud.historian.write([mode(jam!.from, 'rinse')])
  const facts = {
    trainedRows: 1,
    periodMs: 1000,
    threshold: 1,
    tags: [],
    metrics: {},
    dataHash: '',
  }
  await cloud.models.registry.register({
    ...{ asset: 'mixer', site: 'plant', name: 'mixer', kind: 'multivariate', stage: 'active' },
    ...{ source: 'trained', createdBy: 'x', periods: [], files: {} },
    facts: { ...facts, modes: { tag: 'state', known: [], tooFew: [] } },
  })
  await tick(jam!.to + 60)
  expect((await explain(1)).failures).toMatchObject([
    { state: 'unknown', reason: 'no known case was in mode "rinse"', earlier: [{ state: 'none' }] },
  ])
  await begin(2)
  await tick(blind!.to)
  expect((await explain(2)).failures).toMatchObject([
    { state: 'unknown', reason: 'heat has too few good values' },
  ])
  const alarms = await cloud.store.db.selectFrom('alarms').select(['id', 'cleared_at']).execute()
  expect(alarms.filter(({ cleared_at }) => cleared_at === null)).toHaveLength(1)
  expect(alarms).toHaveLength(9)
})

test('levels that changed are told with the alarm and for a chart, in order', async () => {
  const { changes } = await explain(1)
  expect(changes.map(({ name }) => name)).toContain('flow')
  const from = at(live[1]!.from - 200)
  const query = `tag=${tagOf('level')}&from=${from}&to=${at(live[1]!.to)}`
  const found = await ask<LevelChanges>(LevelChanges, `/api/assets/mixer/changes?${query}`)
  expect(found.changes[0]).toMatchObject({ name: 'level' })
  expect(found.changes[0]!.after - found.changes[0]!.before).toBeGreaterThan(3)
  const foreign = await cloud.call('/api/assets/mixer/changes?tag=plant/gw/plc/temp&from=0&to=9', {
    as: 'engineer',
  })
  expect(foreign.status).toBe(400)
})
