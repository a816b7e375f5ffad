/** Drift and coarser live steps of a model with operating modes: drift of each mode, steps of the one that has most rows. */
import { expect, test } from 'vitest'
import { sha256Hex } from '../../models/manifest.ts'
import { createModePlant, type ModePlantOptions } from '../../models/train/modes.fixture.ts'
import { START } from '../../models/train/plant.fixture.ts'
import { scoreTable } from '../../models/train/score-table.ts'
import { trainModes } from '../../models/train/train-modes.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { quality, type TagId } from '../../protocol/model.ts'
import { createDriftWatch } from './drift-watch.ts'
import { type KeptRows, openKeptRows, type WatchedFile } from './kept-rows.ts'
import { openScoring } from './scoring.ts'
import type { WatchedModel } from './watched.ts'

const log = createLog('test')
log.level = 'silent'

/** So many turns of two minutes in "2", or as long as told, and three in the main mode "1". */
const createTurns = (turns: number, other = 120) =>
  Array.from({ length: turns }, (): [string, number][] => [
    ['2', other],
    ['1', 180],
  ]).flat()
const trained = await trainModes(createModePlant({ seed: 1, visits: createTurns(8) }), {
  ...{ name: 'machine', seed: 1, periodMs: 1000, modeTag: 'state' },
})
const { manifest } = trained
const own: WatchedFile = {
  ...{ manifest, bytes: trained.bytes, sha256: sha256Hex(trained.bytes), normal: trained.normal },
}
const inner = Object.values(trained.inner ?? {})[0]!
const other: WatchedFile = { ...inner, sha256: sha256Hex(inner.bytes) }
const modes = new Map([
  ['1', own],
  ['2', other],
])
const manifestOf = (mode?: string) => (mode === undefined ? manifest : modes.get(mode)?.manifest)
const tagOf = (name: string): TagId => `plant/gw/plc/${name}`
const names = [...manifest.tags.map(({ name }) => name), 'state']
const model: WatchedModel = {
  ...{ id: 'mdl_1', version: 1, asset: 'machine', site: 'plant', kind: 'multivariate' },
  ...{ stage: 'active', factor: 1, isPrimary: true, model: { ...own, modes } },
  outputs: { score: 'Score', ratio: 'Ratio', breaches: 'Breaches' },
  tags: Object.fromEntries(names.map((name) => [name, tagOf(name)])),
}
const widthOf = (name: string) => manifest.tags.find((tag) => tag.name === name)!.scale

/** Every row live, one a second, and what the watch says in the end. */
async function live(change: (value: number, mode: string, tag: number) => number, turns: number) {
  // Longer in the other mode than a block of the drift is.
  const visits: ModePlantOptions['visits'] = createTurns(turns, 200)
  const table = createModePlant({ seed: 5, visits })
  await using rows = openKeptRows({ log })
  const asked: Promise<unknown>[] = []
  const keptRows: KeptRows = {
    ...rows,
    findSteps(...order) {
      const found = rows.findSteps(...order)
      asked.push(found)
      return found
    },
  }
  await using scoring = await openScoring({ models: [model], lagMs: 0, log, keptRows })
  const drift = createDriftWatch()
  const turned: string[] = []
  for (let row = 0; row < table.rows; row++) {
    const at = START + row * 1000
    const mode = table.modes![row]!
    scoring.accept([{ tag: tagOf('state'), at, value: mode, quality: quality.good }])
    for (const [tag, name] of table.names.entries()) {
      const value = change(table.columns[tag]![row]!, mode, tag)
      scoring.accept([{ tag: tagOf(name), at, value, quality: quality.good }])
    }
    if (row % 30 < 29) continue
    turned.push(...drift.accept(await scoring.tick(at), (_, mode) => manifestOf(mode)))
    // Looked at in a thread, which live has all the time for.
    await Promise.all(asked)
  }
  return { drift, turned, looks: asked.length }
}

test('each mode that works elsewhere drifts, with turns in another mode between, and is named where it is not the main one', async () => {
  expect(manifest.drift!.blockRows).toBeLessThan(200)
  // By the load, as flow, pressure, power and heat go together in each.
  const loads = { '1': [1, 2, 3, 1], '2': [1, -2, 3, 1] }
  const shift = (of: '1' | '2') => (value: number, mode: string, tag: number) =>
    mode === of ? value + 4 * loads[of][tag]! : value
  const moved = await live(shift('1'), 5)
  expect(moved.turned).toEqual(['machine'])
  expect(moved.drift.of('machine')).toMatchObject({ state: 'drift', mode: null })
  const elsewhere = await live(shift('2'), 5)
  expect(elsewhere.turned).toEqual(['machine'])
  expect(elsewhere.drift.of('machine')).toMatchObject({
    ...{ state: 'drift', mode: '2' },
    text: expect.stringMatching(/^mode 2: The tags moved together/),
  })
  const kept = elsewhere.drift.save()
  const after = createDriftWatch({ kept, manifestOf: (_, mode) => manifestOf(mode) })
  expect(after.of('machine')).toMatchObject({ state: 'drift', mode: '2' })
  expect((await live((value) => value, 5)).turned).toEqual([])
})

test('coarser values of the main mode are noticed, those of another mode are not', async () => {
  const round = (of: string) => (value: number, mode: string, tag: number) => {
    const step = widthOf('flow')
    return tag === 0 && mode === of ? Math.round(value / step) * step : value
  }
  const found = await live(round('1'), 3)
  expect(Object.keys(found.drift.coarserOf('machine')?.steps ?? {})).toEqual(['flow'])
  const { drift, looks } = await live(round('2'), 3)
  expect([drift.coarserOf('machine'), looks]).toEqual([undefined, 1])
})

test('a mode whose tags need float64 beside one whose tags do not is judged live as in the back-test', async () => {
  const visits = Array.from({ length: 6 }, (): [string, number][] => [
    ['1', 180],
    ['0', 120],
  ]).flat()
  const change = (value: number, _: number, tag: number) => (tag === 0 ? value + 4e4 : value)
  const files = await trainModes(createModePlant({ seed: 1, visits, change }), {
    ...{ name: 'machine', seed: 1, periodMs: 1000, modeTag: 'state' },
  })
  const fine = Object.values(files.inner ?? {})[0]!
  expect([files.manifest.precision, fine.manifest.precision]).toEqual([undefined, 'float64'])
  const coarse: WatchedFile = {
    ...{ manifest: files.manifest, bytes: files.bytes, sha256: sha256Hex(files.bytes) },
  }
  const both = new Map([
    ['1', coarse],
    ['0', { ...fine, sha256: sha256Hex(fine.bytes) }],
  ])
  const own = { ...model, model: { ...coarse, modes: both } }
  await using scoring = await openScoring({ models: [own], lagMs: 0, log })
  const table = createModePlant({ seed: 5, visits: visits.slice(0, 4), change })
  const past = new Map([
    ['1', { manifest: files.manifest, bytes: files.bytes }],
    ['0', { manifest: fine.manifest, bytes: fine.bytes }],
  ])
  const { scores } = await scoreTable(
    { manifest: files.manifest, bytes: files.bytes, modes: past },
    table,
  )
  let compared = 0
  for (let row = 0; row < table.rows; row++) {
    const at = START + row * 1000
    const state = { tag: tagOf('state'), at, value: table.modes![row]!, quality: quality.good }
    const values = table.names.map((name, tag) => {
      return { tag: tagOf(name), at, value: table.columns[tag]![row]!, quality: quality.good }
    })
    scoring.accept([state, ...values])
    const [result] = await scoring.tick(at)
    if (result?.mode !== '0' || !scores[row]) continue
    expect(result.ratio! / scores[row]!.ratio).toBeCloseTo(1, 5)
    compared++
  }
  expect(compared).toBeGreaterThan(100)
})
