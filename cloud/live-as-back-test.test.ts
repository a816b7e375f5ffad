/** One recorded stretch through live scoring and through the back-test: the same scores, tags, unknown rows and alarms. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCyclicPlant } from '../models/bench/simulated-cycle.ts'
import { parseClusterModels, parseModeModels } from '../models/inner-models.ts'
import { readModelFolder, sha256Hex } from '../models/manifest.ts'
import { SETTLE_ROWS } from '../models/modes.ts'
import { runBackTest } from '../models/train/back-test.ts'
import { createRandom } from '../models/train/golden.ts'
import { encodeManifest, type Folder } from '../models/train/model-folder.ts'
import { createModePlant, createVisits } from '../models/train/modes.fixture.ts'
import { decodeNormal, NORMAL_FILE } from '../models/train/normal-rows.ts'
import { type ScoredTable, scoreTable } from '../models/train/score-table.ts'
import { openModes } from '../models/train/scored-folder.ts'
import { readTable, type Table } from '../models/train/table.ts'
import { trainClusters } from '../models/train/train-clusters.ts'
import { trainModes } from '../models/train/train-modes.ts'
import { createLog } from '../protocol/kit/log.ts'
import { quality, type Sample, type TagId } from '../protocol/model.ts'
import { applySample, initialAlarm } from './alarms/alarm.ts'
import { ratioRule } from './alarms/alarm-rule.ts'
import { openKeptRows, type WatchedFile } from './scoring/kept-rows.ts'
import type { ScoringResult } from './scoring/result.ts'
import { openScoring } from './scoring/scoring.ts'

const root = join(import.meta.dirname, '..')
const shipped = join(root, 'models/shipped/hydraulic-press')
const START = 1_700_000_000_000
const ROWS = 150
const log = createLog('test')
log.level = 'silent'

const folder = await readModelFolder(shipped)
const { manifest, bytes } = folder
const packed = await readFile(join(shipped, NORMAL_FILE))
const normal = await decodeNormal(packed, manifest)
const model: WatchedFile = { ...folder, normal: packed }
const names = manifest.tags.map(({ name }) => name)
const tagOf = (name: string): TagId => `plant/gw/plc/${name}`

/** Healthy, then with a weak cooler; 5 % of the cells empty, TS4 for six rows. */
async function createStretch(): Promise<Table> {
  const parts = await Promise.all(
    ['healthy', 'cooler-reduced'].map((name) =>
      readTable(join(root, `simulators/recordings/hydraulic/${name}.csv.gz`)),
    ),
  )
  const random = createRandom(5)
  const columns = names.map((name) => {
    const cells = parts.flatMap(({ names: own, columns: all }) => [
      ...all[own.indexOf(name)]!.subarray(0, ROWS),
    ])
    // The first row of the recording and those after the gap are whole: nothing is there yet to fill from.
    const isWhole = (row: number) => row < 3 || (row >= 66 && row < 70)
    return Float64Array.from(cells, (cell, row) => {
      if (name === 'TS4' && row >= 60 && row < 66) return Number.NaN
      return !isWhole(row) && random() < 0.05 ? Number.NaN : cell
    })
  })
  const at = Float64Array.from({ length: 2 * ROWS }, (_, row) => START + row * 1000)
  return { file: 'stretch', names, at, columns, rows: 2 * ROWS }
}

/** Row by row, as the gateway would have told it; an empty cell is a reading that failed. */
async function scoreLive(table: Table): Promise<ScoringResult[]> {
  const keptRows = openKeptRows({ log })
  await keptRows.prepare(model)
  await using scoring = await openScoring({
    ...{ lagMs: 0, log, keptRows },
    models: [
      {
        ...{ id: 'mdl_1', version: 1, asset: 'press', site: 'plant', kind: 'multivariate' },
        ...{ stage: 'active', isPrimary: true, factor: 1, model },
        outputs: { score: 'Score', ratio: 'Ratio', breaches: 'Breaches' },
        tags: Object.fromEntries(names.map((name) => [name, tagOf(name)])),
      },
    ],
  })
  const results: ScoringResult[] = []
  for (let row = 0; row < table.rows; row++) {
    const at = table.at![row]!
    scoring.accept(
      names.map((name, i): Sample => {
        const value = table.columns[i]![row]!
        const isEmpty = Number.isNaN(value)
        // What a failed reading carries is not looked at.
        return isEmpty
          ? { tag: tagOf(name), at, value: 1e9, quality: quality.bad }
          : { tag: tagOf(name), at, value, quality: quality.good }
      }),
    )
    results.push(...(await scoring.tick(at)))
  }
  return results
}

function findLiveAlarms(results: readonly ScoringResult[]): boolean[] {
  const asset = { id: 'press', site: 'plant', severity: 700 }
  const rule = ratioRule(asset, { timing: manifest })
  let memory = initialAlarm
  return results.map(({ samples }) => {
    const ratio = samples.find(({ tag }) => tag === rule.tag)!
    memory = applySample(memory, ratio, rule).memory
    return memory.persistence.active
  })
}

/** Of numbers above 1 the share, of others the difference: what is 20 has a float32 step of 2e-6. */
const differ = (one: number, other: number) => Math.abs(one - other) / Math.max(1, Math.abs(other))

const farthest = (live: readonly ScoringResult[], { scores }: ScoredTable) =>
  Math.max(
    ...live.flatMap(({ score = 0, ratio = 0 }, row) => {
      const other = scores[row]
      return other ? [differ(score, other.score), differ(ratio, other.ratio)] : []
    }),
  )

test('live scoring says row by row what the back-test says, with 5 % of the cells empty', async () => {
  const table = await createStretch()
  const live = await scoreLive(table)
  const past = await scoreTable({ manifest, bytes, normal }, table)
  expect(live.map(({ at }) => at)).toEqual([...table.at!])
  expect(live.map(({ state }) => state === 'scored')).toEqual(past.scores.map(Boolean))
  expect(farthest(live, past)).toBeLessThan(1e-6)
  const top = past.scores.map((one) => (one ? one.top.map((tag) => names[tag]) : []))
  expect(live.map(({ contributions }) => contributions.map(({ name }) => name))).toEqual(top)
  expect(past.adaptations).toEqual([])

  const alarms = findLiveAlarms(live)
  expect(alarms).toEqual(past.alarms)
  const backTest = await runBackTest({ manifest, bytes, normal }, table)
  const begun = live.filter((_, row) => alarms[row] && !alarms[row - 1]).map(({ at }) => at)
  expect(backTest.alarms.map(({ from }) => from)).toEqual(begun)
  expect(begun).toHaveLength(1)
  const unknown = live.filter(({ state }) => state === 'unknown').length
  expect(backTest.unknownRows).toBe(unknown)

  // The stretch is worth the comparison: rows with filled cells, which say which; and the six rows of TS4.
  const filled = live.filter((one) => (one.filled?.length ?? 0) > 0)
  expect(filled.length).toBeGreaterThan(100)
  expect(unknown).toBeGreaterThan(20)
  expect(live[65]!.reason).toBe('TS4 has bad quality')
})

const asFile = ({ manifest: own, bytes: graph, normal: kept }: Folder): WatchedFile => {
  return { manifest: own, bytes: graph, sha256: sha256Hex(graph), normal: kept }
}

const filesOfModes = ({ inner = {} }: Folder) =>
  Object.fromEntries(
    Object.entries(inner).flatMap(([folder, one]) => [
      [`${folder}/manifest.json`, encodeManifest(one.manifest)],
      [`${folder}/model.onnx`, one.bytes],
      [`${folder}/${NORMAL_FILE}`, one.normal!],
    ]),
  )

/** Each mode as its tag told it: every 60 s and when it changes; bad for a while, and once silent for too long. */
async function scoreModesLive(modes: WatchedFile, table: Table, silent: [number, number]) {
  const own = modes.manifest.tags.map(({ name }) => name)
  const keptRows = openKeptRows({ log })
  for (const one of modes.modes?.values() ?? [modes]) await keptRows.prepare(one)
  await using scoring = await openScoring({
    ...{ lagMs: 0, log, keptRows },
    models: [
      {
        ...{ id: 'mdl_2', version: 1, asset: 'press', site: 'plant', kind: 'multivariate' },
        ...{ stage: 'active', isPrimary: true, factor: 1, model: modes },
        outputs: { score: 'Score', ratio: 'Ratio', breaches: 'Breaches' },
        tags: Object.fromEntries([...own, 'state'].map((name) => [name, tagOf(name)])),
      },
    ],
  })
  const results: ScoringResult[] = []
  for (let row = 0; row < table.rows; row++) {
    const at = table.at![row]!
    const samples = own.map((name, i): Sample => {
      const value = table.columns[i]![row]!
      const isBad = Number.isNaN(value)
      return { tag: tagOf(name), at, value, quality: isBad ? quality.bad : quality.good }
    })
    const mode = table.modes?.[row] ?? ''
    const isSilent = !table.modes || (row >= silent[0] && row < silent[1])
    if (!isSilent && (mode !== table.modes?.[row - 1] || row % 60 === 0)) {
      const isBad = mode === ''
      const value = isBad ? 'left over' : Number(mode)
      samples.push({ tag: tagOf('state'), at, value, quality: isBad ? quality.bad : quality.good })
    }
    scoring.accept(samples)
    results.push(...(await scoring.tick(at)))
  }
  return results
}

test('modes: live chooses the model of the mode as the back-test does, and says why a mode has none', async () => {
  const trained = await trainModes(createModePlant({ seed: 1, visits: createVisits(8) }), {
    ...{ name: 'press', seed: 1, modeTag: 'state' },
  })
  const file = asFile(trained)
  const models = parseModeModels(file, filesOfModes(trained), 'press')!
  const silent: [number, number] = [600, 900]
  // The tag says mode 2 last at row 540, and holds it for three minutes.
  const visits = [
    ...createVisits(1),
    ...([
      ['7', 60],
      ['', 20],
      ['1', 110],
      ['2', 410],
      ['1', 80],
    ] as [string, number][]),
  ]
  const random = createRandom(3)
  const table = createModePlant({
    ...{ seed: 2, visits },
    change: (value, row, tag) => {
      if (tag === 2 && row > 20 && random() < 0.05) return Number.NaN
      return tag === 3 && row > 420 && row < 450 ? value + 10 : value
    },
  })
  const live = await scoreModesLive({ ...file, modes: models }, table, silent)
  const held = {
    ...table,
    modes: table.modes!.map((mode, row) => (row > 720 && row < 900 ? '' : mode)),
  }
  const own = { manifest: trained.manifest, bytes: trained.bytes, modes: await openModes(models) }
  const past = await scoreTable(own, held)
  const settling = SETTLE_ROWS + trained.manifest.windowRows - 1
  // A row with an empty cell right after a change is scored as it is held on in a file, live it is unknown.
  const differing = live.flatMap(({ state }, row) =>
    (state === 'scored') === Boolean(past.scores[row]) ? [] : [row],
  )
  expect(differing).toEqual([])
  expect(farthest(live, past)).toBeLessThan(1e-6)
  const modeAt = (row: number) => live[row]!.mode
  expect([60, 180, 270].map(modeAt)).toEqual(['0', '1', '2'])
  expect(new Set(live.map(({ mode }) => mode))).toEqual(new Set([undefined, '0', '1', '2']))
  expect(live[300]!.reason).toBe('mode "7" was never learned')
  expect(live[345]!.reason).toBe('the operating mode is not known: state has bad quality')
  expect(live[361]!.reason).toBe('mode "1" begins: 2 of 3 rows to settle')
  expect(live[800]!.reason).toBe(
    'the operating mode is not known: state has no sample for 180000 ms',
  )
  expect(live[360 + settling]!.state).toBe('scored')
  const alarms = past.alarms
  expect(findLiveAlarms(live)).toEqual(alarms)
  expect(alarms.some(Boolean)).toBe(true)
})

test('phases: the model of the phase speaks live where it speaks in the back-test', async () => {
  const trained = await trainClusters(createCyclicPlant({ seed: 1, rows: 6000 }), {
    ...{ name: 'press', seed: 1 },
  })
  const file = asFile(trained)
  const clusters = parseClusterModels(file, filesOfModes(trained), 'press')!
  const table = createCyclicPlant({
    ...{ seed: 2, rows: 240 },
    change: (value, tag, phase) => (tag === 1 && phase === 1 ? value - 6 : value),
  })
  const live = await scoreModesLive({ ...file, clusters }, table, [0, 0])
  const own = { manifest: trained.manifest, bytes: trained.bytes }
  const opened = clusters.map(({ normal: _, ...one }) => one)
  const past = await scoreTable({ ...own, clusters: opened }, table)
  expect(live.map(({ state }) => state === 'scored')).toEqual(past.scores.map(Boolean))
  expect(farthest(live, past)).toBeLessThan(1e-6)
  const one = await scoreTable(own, table)
  const louder = past.scores.filter((score, row) => score && score.ratio > one.scores[row]!.ratio)
  expect(louder.length).toBeGreaterThan(20)
})
