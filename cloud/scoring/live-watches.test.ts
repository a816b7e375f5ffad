/** A comparison of two real versions and the drift of their asset, over stops, a crash and an upgrade on one database. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readModelFolder } from '../../models/manifest.ts'
import { readTable } from '../../models/train/table.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { quality, type TagId } from '../../protocol/model.ts'
import { openStore } from '../store/store.ts'
import { type LiveWatchesOptions, openLiveWatches } from './live-watches.ts'
import { openScoring } from './scoring.ts'
import type { WatchedModel } from './watched.ts'

const root = join(import.meta.dirname, '../..')
const folder = await readModelFolder(join(root, 'models/shipped/hydraulic-press'))
const { manifest } = folder
const recording = await readTable(
  join(root, 'simulators/recordings/hydraulic/cooler-reduced.csv.gz'),
)
const START = 1_700_000_000_000
const log = createLog('test')
log.level = 'silent'
const tags = Object.fromEntries(
  manifest.tags.map(({ name }): [string, TagId] => [name, `plant/gw/plc/${name}`]),
)

/** The same file twice; that in shadow would alarm a hundred times later. */
function watched(id: string, isPrimary: boolean): WatchedModel {
  return {
    ...{ id, version: 1, asset: 'press', site: 'plant', kind: 'multivariate', isPrimary, tags },
    ...{ stage: isPrimary ? 'active' : 'shadow', factor: isPrimary ? 1 : 100, model: folder },
    outputs: { score: `${id}Score`, ratio: `${id}Ratio`, breaches: `${id}Breaches` },
  }
}

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-live-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** The scoring part of one run of the cloud, from its start to its stop. */
async function run(from: number, to: number, ids = ['old', 'new'], isInWork?: () => boolean) {
  await using store = await openStore({ file: join(dir, 'state.sqlite') })
  await using scoring = await openScoring({
    ...{ models: ids.map((id, i) => watched(id, i === 0)), lagMs: 0, log },
  })
  const manifestOf = (id: string) => (ids.includes(id) ? manifest : undefined)
  await using watches = await openLiveWatches({ store, log, manifestOf, isInWork })
  watches.keep(new Set(ids))
  const found = watches.comparisons.of('press')
  for (let row = from; row < to; row++) {
    const at = START + row * 1000
    for (const [i, name] of recording.names.entries()) {
      const tag = tags[name]
      const value = recording.columns[i]![row]!
      if (tag) scoring.accept([{ tag, at, value, quality: quality.good }])
    }
    watches.accept(await scoring.tick(at))
  }
  const drift = watches.drift.of('press')
  return { before: found, after: watches.comparisons.of('press'), drift }
}

test('of a machine in planned maintenance nothing is compared, and nothing is said of its drift', async () => {
  const { after, drift } = await run(0, 40, ['old', 'new'], () => true)
  expect(after).toEqual([])
  expect(drift).toBeUndefined()
})

test('a comparison goes on over a restart and an upgrade, and ends with one of its versions', async () => {
  const { after: first } = await run(0, 40)
  expect(first).toMatchObject([{ active: 'old', other: 'new', activeAlarms: 1, otherAlarms: 0 }])
  const { before, after } = await run(400, 440)
  expect(before).toEqual(first)
  // The machine is as bad as before: that is no second alarm.
  expect(after).toMatchObject([{ since: first[0]!.since, activeAlarms: 1, otherAlarms: 0 }])
  expect(after[0]!.rows).toBe(2 * first[0]!.rows)
  expect((await run(500, 500, ['old'])).before).toEqual([])
  expect((await run(500, 500)).before).toEqual([])
})

/** Rows without a model: every tag so many deviations away, and the relations kept. */
function drifting(watches: Awaited<ReturnType<typeof openLiveWatches>>, at: number, shift: number) {
  const row = Float32Array.from(manifest.tags, ({ mean, scale }) => mean + shift * scale)
  return watches.accept([
    {
      ...{ asset: 'press', model: 'old', stage: 'active', isPrimary: true, at, row },
      ...{ state: 'scored', score: 1, ratio: 0.5, contributions: [], breaches: [], samples: [] },
    },
  ])
}

test('what drifted before a crash drifts after it, is told once, and is lost for no more than the time between two savings', async () => {
  await using store = await openStore({ file: join(dir, 'state.sqlite') })
  const small = { ...manifest, drift: { blockRows: 60, wander: manifest.tags.map(() => 0.1) } }
  const options: LiveWatchesOptions = { store, log, manifestOf: () => small, saveMs: 10 }
  await using crashed = await openLiveWatches(options)
  const told = Array.from({ length: 150 }, (_, i) => drifting(crashed, START + i * 1000, 5)).flat()
  expect(told).toEqual(['press'])
  const saved = () => store.db.selectFrom('live_states').select('at').executeTakeFirst()
  await vi.waitFor(async () => expect((await saved())?.at).toBe(START + 149_000), 45_000)
  await using next = await openLiveWatches(options)
  expect(next.drift.of('press')).toEqual(crashed.drift.of('press'))
  expect(next.drift.of('press')).toMatchObject({ state: 'drift', since: START })
  // Thirty rows of its third block are there; an hour later they are not, but the verdict is.
  expect(drifting(next, START + 3_600_000, 5)).toEqual([])
  for (let i = 1; i < 59; i++) drifting(next, START + 3_600_000 + i * 1000, 0)
  expect(next.drift.of('press')?.state).toBe('drift')
  drifting(next, START + 3_660_000, 0)
  expect(next.drift.of('press')?.state).toBe('none')
})

test('what was remembered of a version that is gone is forgotten, and its row with it', async () => {
  await using store = await openStore({ file: ':memory:' })
  const row = { kind: 'drift', key: 'press', at: 1, state: '{"model":"gone","state":{}}' }
  await store.db.insertInto('live_states').values(row).execute()
  {
    await using watches = await openLiveWatches({ store, log, manifestOf: () => undefined })
    expect(watches.drift.of('press')).toBeUndefined()
  }
  expect(await store.db.selectFrom('live_states').selectAll().execute()).toEqual([])
})
