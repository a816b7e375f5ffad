/** Explanations with a model trained in the test: expected values, the first to move, and cases that were alike. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSession } from '../../models/session.ts'
import { trainTable } from '../../models/train/train-table.ts'
import type { ContributionView } from '../../protocol/api.ts'
import type { TagId } from '../../protocol/model.ts'
import { insertPressRule } from '../alarms/stored-rule.fixture.ts'
import { openStore, type Store } from '../store/store.ts'
import { findCured } from './cured-cases.ts'
import { createExplainer, type ExplainedModel, type PastRows } from './explanation.ts'

const names = ['flow', 'pressure', 'level']
const tagOf = (name: string): TagId => `plant/gw/plc/${name}`
const ROWS = 900

/** Pressure is twice the flow, level half of it, each with a little noise of its own. */
function createColumns(rows: number, seed: number): Float64Array[] {
  let state = seed
  const noise = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31 - 0.5
  }
  let flow = 0
  const columns = names.map(() => new Float64Array(rows))
  for (let row = 0; row < rows; row++) {
    flow = 0.7 * flow + noise()
    columns[0]![row] = 10 + flow
    columns[1]![row] = 20 + 2 * flow + 0.1 * noise()
    columns[2]![row] = 5 + 0.5 * flow + 0.1 * noise()
  }
  return columns
}

const at = Float64Array.from({ length: ROWS }, (_, row) => row * 1000)
const trained = await trainTable(
  { file: 'test', names, at, columns: createColumns(ROWS, 3), rows: ROWS },
  { name: 'plant', seed: 1, periodMs: 1000 },
)
const { manifest, bytes } = trained
const session = await openSession(bytes, manifest)
const model: ExplainedModel = {
  folder: { manifest, bytes, sha256: 'x' },
  tags: Object.fromEntries(names.map((name) => [name, tagOf(name)])),
}

/** Pressure reads three more than it should from second 200 on, and level follows at 220. */
function createFault(): PastRows {
  const columns = createColumns(260, 11)
  const values = new Float64Array(260 * 3)
  columns.forEach((column, tag) => {
    column.forEach((value, row) => {
      const off = tag === 1 && row >= 200 ? 3 : tag === 2 && row >= 220 ? 2 : 0
      values[row * 3 + tag] = value + off
    })
  })
  return { at: Float64Array.from({ length: 260 }, (_, row) => row * 1000), values }
}

const contribution = (name: string, z: number): ContributionView => ({
  ...{ tag: tagOf(name), name, z, direction: z < 0 ? 'low' : 'high' },
})

let store: Store
beforeEach(async () => {
  store = await openStore({ file: ':memory:' })
  const { db } = store
  await db
    .insertInto('assets')
    .values([
      { id: 'press', site: 'plant', name: 'Press', kind: 'press', model: null },
      { id: 'twin', site: 'plant', name: 'Twin', kind: 'press', model: null },
      { id: 'till', site: 'plant', name: 'Till', kind: 'pos', model: null },
      { id: 'theirs', site: 'rival', name: 'Theirs', kind: 'press', model: null },
    ])
    .execute()
  await db
    .insertInto('sites')
    .values([
      { id: 'plant', tenant: 'ten_a', name: 'Plant', time_zone: 'UTC' },
      { id: 'rival', tenant: 'ten_b', name: 'Rival', time_zone: 'UTC' },
    ])
    .execute()
  await db
    .insertInto('tags')
    .values({
      ...{ id: tagOf('pressure'), site: 'plant', gateway: 'gw', device: 'plc' },
      ...{ name: 'pressure', type: 'Double', unit: 'bar' },
    })
    .execute()
  await insertPressRule(store)
})
afterEach(() => store[Symbol.asyncDispose]())

async function insertAlarm(
  id: string,
  contributions: ContributionView[],
  {
    asset = 'press',
    caseId = null,
    filled = null,
  }: { asset?: string; caseId?: string | null; filled?: string | null } = {},
): Promise<void> {
  await store.db
    .insertInto('alarms')
    .values({
      ...{ id, rule: 'r', asset, site: 'plant', model: 'mdl_1', previous_state: 'active-acked' },
      ...{ state: 'normal', raised_at: 259_000, cleared_at: null, acked_at: null, acked_by: null },
      ...{ severity: 1, message: 'x', contributions: JSON.stringify(contributions) },
      ...{ case_id: caseId, peak: 3, filled },
    })
    .execute()
}

async function insertCase(id: string, asset: string, outcome: object): Promise<void> {
  await store.db
    .insertInto('cases')
    .values({
      ...{ id, site: 'plant', asset, title: `trouble ${id}`, previous_state: 'verifying' },
      ...{ state: 'closed', opened_at: 1, closed_at: 2, source: '{}', verified_at: null },
      ...{ outcome: JSON.stringify(outcome), report: null },
    })
    .execute()
}

const explainer = (past: PastRows = createFault()) =>
  createExplainer({
    store,
    modelOf: async (version) => (version === 'mdl_1' ? model : undefined),
    rowsBefore: async () => past,
    run: (_, windows, batch) => session.run(windows, batch),
  })

test('a tag that reads three too much is told with what the others let expect, in its unit', async () => {
  await insertAlarm('a', [contribution('pressure', 40), contribution('level', 30)])
  const past = createFault()
  // Only the pressure is off here: what it should read is known exactly.
  for (let row = 220; row < 260; row++) past.values[row * 3 + 2]! -= 2
  const { tags } = await explainer(past).explain('a', {})
  const [pressure] = tags
  expect(pressure).toMatchObject({ name: 'pressure', unit: 'bar', direction: 'high' })
  expect(pressure!.value! - pressure!.expected!).toBeGreaterThan(2.5)
  expect(pressure!.value! - pressure!.expected!).toBeLessThan(3.5)
})

test('tags that had no value of their own in what raised the alarm are named', async () => {
  await insertAlarm('a', [contribution('pressure', 40)], { filled: '["level"]' })
  await insertAlarm('b', [contribution('pressure', 40)], { asset: 'twin' })
  expect((await explainer().explain('a', {})).filled).toEqual(['level'])
  expect((await explainer().explain('b', {})).filled).toEqual([])
})

test('the tag that left first stands first, with its instant', async () => {
  await insertAlarm('a', [contribution('pressure', 40)])
  const { movedFirst } = await explainer().explain('a', {})
  expect(movedFirst[0]).toMatchObject({ name: 'pressure', tag: tagOf('pressure') })
  expect(Math.abs(movedFirst[0]!.at - 200_000)).toBeLessThan(10_000)
})

test('closed cases of like assets with a like alarm are found with what fixed them, others are not', async () => {
  const fixed = { cause: 'worn valve', action: 'new valve', usefulness: 'useful' }
  for (const [id, asset] of [
    ['cas_same', 'twin'],
    ['cas_opposite', 'twin'],
    ['cas_other', 'till'],
    ['cas_theirs', 'theirs'],
  ] as const)
    await insertCase(id, asset, fixed)
  await insertAlarm('a', [contribution('pressure', 8), contribution('flow', -4)])
  const alike = [contribution('pressure', 60), contribution('flow', -5)]
  await insertAlarm('a1', alike, { asset: 'twin', caseId: 'cas_same' })
  await insertAlarm('a2', [contribution('pressure', -8)], { asset: 'twin', caseId: 'cas_opposite' })
  await insertAlarm('a3', alike, { asset: 'till', caseId: 'cas_other' })
  // Of another customer: as like as can be, and none of our business.
  await insertAlarm('a4', alike, { asset: 'theirs', caseId: 'cas_theirs' })
  const { similar } = await explainer().explain('a', {})
  expect(similar).toHaveLength(1)
  expect(similar[0]).toMatchObject({ case: { id: 'cas_same', assetName: 'Twin' }, ...fixed })
  expect(similar[0]!.similarity).toBeGreaterThan(0.95)
})

test('what fixed a known failure is told of like machines of the same customer only', async () => {
  for (const [id, asset, at] of [
    ['cas_same', 'twin', 1],
    ['cas_asks', 'press', 2],
    ['cas_other', 'till', 3],
    ['cas_theirs', 'theirs', 4],
  ] as const) {
    await insertCase(id, asset, { cause: 'worn', action: `mended ${asset}` })
    const site = asset === 'theirs' ? 'rival' : 'plant'
    await store.db
      .insertInto('labels')
      .values({
        ...{ case_id: id, asset, site, at, usefulness: 'useful' },
        ...{ failure_mode: 'Seal  leak', cause: null, part: null, failed_at: null },
      })
      .execute()
  }
  const found = await findCured(store, { asset: 'press', mode: 'seal leak', not: 'cas_asks' }, {})
  expect(found).toMatchObject({
    cases: 1,
    fixed: [{ case: { id: 'cas_same' }, action: 'mended twin' }],
  })
})

test('without its model or its history an alarm is still explained by what it carries', async () => {
  await insertAlarm('a', [contribution('pressure', 8)])
  const empty = { at: [], values: new Float64Array() }
  expect(await explainer(empty).explain('a', {})).toMatchObject({
    tags: [{ name: 'pressure', z: 8, value: null, expected: null }],
    movedFirst: [],
  })
  await expect(explainer().explain('b', {})).rejects.toMatchObject({ code: 'object.missing' })
})
