/** The watch over like machines on a real historian: learns, compares, forgets what was unusual. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { Historian } from '../historian/historian.ts'
import { openHistorian } from '../open-historian.ts'
import { createPeerWatch, type PeerGroup, peerTagId } from './peer-watch.ts'

const PERIOD = 300_000
const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const machines = [1, 2, 3, 4, 5].map((n) => {
  const tag: TagId = `shop/gw/freezer-${n}/Temperature`
  return { asset: `freezer-${n}`, site: 'shop', tag }
})
const group: PeerGroup = {
  ...{
    id: 'freezers',
    title: 'Freezers',
    machines,
    periodMs: PERIOD,
    windowRows: 12,
    learnDays: 2,
  },
}
let dir: string
let historian: Historian

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-peers-'))
  historian = await openHistorian({ kind: 'duckdb' }, dir, createLog('test'))
})
afterAll(async () => {
  await historian[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

/** Uniform numbers, the same every time. */
let state = 11
function random(): number {
  state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
  return (state >> 8) / 0x7fffff
}

/** Temperatures of [from, to): each machine at its own level, with the shop's day and some noise. */
async function cool(from: number, to: number, fault = 0): Promise<void> {
  const samples: Sample[] = []
  for (let at = from; at < to; at += PERIOD)
    for (const [i, { tag }] of machines.entries()) {
      const noise = 0.4 * (random() - 0.5) + Math.cos((2 * Math.PI * at) / DAY)
      const value = -20 + i + noise + (i === 3 ? fault : 0)
      samples.push({ tag, at, value, quality: quality.good })
    }
  await historian.write(samples)
}

it('goes on comparing after a clock that was a day ahead was set right', async () => {
  const asked: number[] = []
  const watch = createPeerWatch([group], {
    async scan({ to }) {
      asked.push(to)
      return { at: new Float64Array(), values: machines.map(() => new Float64Array()) }
    },
  })
  await watch.tick(START + DAY)
  await watch.tick(START)
  expect(asked.at(-1)).toBe(START)
})

it('says nothing without history, tells the odd freezer, and does not learn its fault', async () => {
  const watch = createPeerWatch([group], historian)
  expect(await watch.tick(START)).toEqual([])
  expect(watch.reasonOf('freezers')).toContain('comparable rows')

  await cool(START, START + 2 * DAY)
  const calm = await watch.tick(START + 2 * DAY)
  expect(watch.reasonOf('freezers')).toBeUndefined()
  expect(calm.map(({ sample }) => Number(sample.value) < 1)).toEqual(Array(5).fill(true))
  expect(await watch.tick(START + 2 * DAY + 1000)).toEqual([])

  await cool(START + 2 * DAY, START + 4 * DAY, 2)
  for (let at = START + 2 * DAY + 2 * 3_600_000; at <= START + 4 * DAY; at += 6 * PERIOD) {
    const results = await watch.tick(at)
    await historian.write(results.map(({ sample }) => sample))
    if (at % (6 * 3_600_000) !== 0) continue
    // The others may touch 1 for a row: with one taken out there are fewer to compare with.
    const [worst, ...others] = results
      .map(({ asset, sample }) => ({ asset, ratio: Number(sample.value) }))
      .sort((one, other) => other.ratio - one.ratio)
    expect(worst).toMatchObject({ asset: 'freezer-4' })
    expect(worst?.ratio).toBeGreaterThan(2)
    expect(others[0]?.ratio).toBeLessThan(1.5)
    expect(results[3]).toMatchObject({ asset: 'freezer-4', deviation: expect.closeTo(2, 0) })
    expect(results[3]?.sample.tag).toBe(peerTagId('shop', 'freezer-4', 'freezers'))
  }
})
