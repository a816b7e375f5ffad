/** Live values coarser than the training's: said once, named for the person who reads of drift, and nothing is changed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readModelFolder } from '../../models/manifest.ts'
import { createRandom } from '../../models/train/golden.ts'
import { NORMAL_FILE } from '../../models/train/normal-rows.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { createDriftWatch } from './drift-watch.ts'
import { openKeptRows, type WatchedFile } from './kept-rows.ts'
import { createLiveSteps } from './live-steps.ts'
import type { ScoringResult } from './result.ts'

const shipped = join(import.meta.dirname, '../../models/shipped/hydraulic-press')
const folder = await readModelFolder(shipped)
const { manifest } = folder
const model: WatchedFile = { ...folder, normal: await readFile(join(shipped, NORMAL_FILE)) }
const log = createLog('test')
log.level = 'silent'

/** The rows of the training's spread; TS4 read in steps of so many scales. */
function createRows(step: number): Float32Array[] {
  const random = createRandom(3)
  return Array.from({ length: 128 }, () =>
    Float32Array.from(manifest.tags, ({ name, mean, scale }) => {
      const value = mean + scale * (random() + random() + random() - 1.5)
      return name === 'TS4' && step > 0 ? Math.round(value / (step * scale)) * step * scale : value
    }),
  )
}

async function watch(rows: readonly Float32Array[], of = model) {
  await using keptRows = openKeptRows({ log })
  const asked: Promise<unknown>[] = []
  const findSteps: typeof keptRows.findSteps = (...order) => {
    const found = keptRows.findSteps(...order)
    asked.push(found)
    return found
  }
  const about = { asset: 'press', model: 'mdl_1' }
  const steps = createLiveSteps({ model: of, about, keptRows: { findSteps }, log })
  for (const row of rows) steps.accept(row)
  await Promise.all(asked)
  return { found: steps.found(), asked: asked.length }
}

test('a tag that comes in coarse steps is found with its step, and stands in what is said of drift', async () => {
  const { found } = await watch(createRows(1))
  expect(Object.keys(found ?? {})).toEqual(['TS4'])
  const scale = manifest.tags.find(({ name }) => name === 'TS4')!.scale
  expect(found!.TS4! / scale).toBeCloseTo(1, 2)
  const drift = createDriftWatch()
  const result: ScoringResult = {
    ...{ asset: 'press', model: 'mdl_1', stage: 'active', isPrimary: true, at: 0 },
    ...{ state: 'scored', ratio: 0.5, score: 1, row: createRows(0)[0]!, coarser: found },
    ...{ contributions: [], breaches: [], samples: [] },
  }
  drift.accept([result], () => manifest)
  const step = found!.TS4!
  expect(drift.of('press')!.coarser).toEqual([{ name: 'TS4', step }])
  // A window that was begun anew has not looked yet: what was seen before holds.
  drift.accept([{ ...result, at: 9000, coarser: undefined }], () => manifest)
  expect(drift.coarserOf('press')).toEqual({ model: 'mdl_1', steps: { TS4: step }, since: 0 })
  drift.accept([{ ...result, coarser: {} }], () => manifest)
  expect(drift.of('press')!.coarser).toEqual([])
  expect(drift.coarserOf('press')).toBeUndefined()
})

test('fine values are not called coarse, and nothing is asked where the training rows are not kept', async () => {
  expect((await watch(createRows(0))).found).toEqual({})
  expect(await watch(createRows(1), folder)).toEqual({ found: {}, asked: 0 })
})
