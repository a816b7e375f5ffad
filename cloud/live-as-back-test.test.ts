/** One recorded stretch through live scoring and through the back-test: the same scores, tags, unknown rows and alarms. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readModelFolder } from '../models/manifest.ts'
import { runBackTest } from '../models/train/back-test.ts'
import { createRandom } from '../models/train/golden.ts'
import { NORMAL_FILE, readNormal } from '../models/train/normal-rows.ts'
import { type ScoredTable, scoreTable } from '../models/train/score-table.ts'
import { readTable, type Table } from '../models/train/table.ts'
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
const normal = await readNormal(shipped, manifest)
const model: WatchedFile = { ...folder, normal: await readFile(join(shipped, NORMAL_FILE)) }
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
