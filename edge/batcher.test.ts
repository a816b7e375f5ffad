/** The batcher between links and disk: a disk that refuses, a process that stood still. */
import { describe, expect, test, vi } from 'vitest'
import type { Gap, Sample } from '../protocol/model.ts'
import { createBatcher } from './batcher.ts'
import { createGatewayClock } from './gateway-clock.ts'
import type { RowTags } from './readings.ts'

const reading = (value: number): Sample => ({
  ...{ tag: 'plant/gw1/plc/Count', at: Date.now(), value, quality: 192 },
})

function openBench(clock = createGatewayClock()) {
  const disk = { heartbeats: 0, samples: [] as Sample[], gaps: [] as Gap[] }
  const batcher = createBatcher({
    flushMs: 200,
    append(samples, gaps) {
      disk.samples.push(...samples)
      disk.gaps.push(...gaps)
      return 1
    },
    publish: () => undefined,
    heartbeat() {
      disk.heartbeats += 1
    },
    gateway: 'gw1',
    clock,
  })
  return { disk, batcher }
}

test('a gateway with nothing to tell says that it lives', async () => {
  const { disk, batcher } = openBench()
  const stop = new AbortController()
  const running = batcher.run(stop.signal)
  await vi.waitUntil(() => disk.heartbeats > 0, { timeout: 45_000 })
  stop.abort()
  await running
  expect(disk.samples).toEqual([])
})

test('a process that stood still tells the time as a gap, once', async () => {
  const { disk, batcher } = openBench()
  let ms = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => ms)
  try {
    const stop = new AbortController()
    const running = batcher.run(stop.signal)
    ms += 2000
    await vi.waitUntil(() => disk.heartbeats > 0, { timeout: 45_000 })
    ms += 60_000
    await vi.waitUntil(() => disk.gaps.length > 0, { timeout: 45_000 })
    stop.abort()
    await running
    expect(disk.gaps).toMatchObject([{ gateway: 'gw1', reason: 'gateway-down' }])
    const [{ from, to }] = disk.gaps as [Gap]
    expect(to - from).toBeGreaterThanOrEqual(60_000)
  } finally {
    clock.mockRestore()
  }
})

test('good readings of a clock that was never set wait, and go on with their true time', () => {
  const sources = { wall: 100_000_000, mono: 0 }
  const clock = createGatewayClock({ wallMs: () => sources.wall, monoMs: () => sources.mono })
  const { disk, batcher } = openBench(clock)
  const first = { ...reading(1), at: sources.wall }
  batcher.add([first, { ...first, quality: 0 as const, value: null }])
  batcher.flush()
  expect(disk.samples.map(({ quality }) => quality)).toEqual([0])
  expect(batcher.counters()).toMatchObject({ waiting: 1, dropped: 0 })
})

describe('rows', () => {
  const of: RowTags = { tags: ['plant/gw1/plc/Count', 'plant/gw1/plc/Level'] }
  const rowOf = (at: number, value: number) => {
    return { of, at, places: Int32Array.of(0, 1), values: Float64Array.of(value, -value) }
  }

  test('stand among samples in the order in which they were read', () => {
    const { disk, batcher } = openBench()
    const at = Date.now()
    batcher.add([reading(1)])
    batcher.addRow(rowOf(at, 2))
    batcher.add([reading(3), reading(4)])
    expect(batcher.counters()).toMatchObject({ samples: 5, waiting: 5 })
    batcher.flush()
    expect(disk.samples.map(({ value }) => value)).toEqual([1, 2, -2, 3, 4])
    expect(batcher.counters()).toMatchObject({ waiting: 0, batches: 1 })
  })

  test('are cut into batches between two of them', () => {
    const { disk, batcher } = openBench()
    for (let value = 0; value < 3001; value++) batcher.addRow(rowOf(Date.now(), value))
    batcher.add(Array.from({ length: 9_000 }, (_, value) => reading(value)))
    batcher.flush()
    expect(batcher.counters().batches).toBe(4)
    const values = disk.samples.map(({ value }) => value)
    expect(values.length).toBe(15_002)
    expect(values.slice(6_000, 6_004)).toEqual([3000, -3000, 0, 1])
    expect(values.at(-1)).toBe(8_999)
  })

  test('wait while the clock was never set, as samples do', () => {
    const clock = createGatewayClock({ wallMs: () => 100_000_000, monoMs: () => 0 })
    const { disk, batcher } = openBench(clock)
    batcher.addRow(rowOf(100_000_000, 7))
    batcher.flush()
    expect(disk.samples).toEqual([])
    expect(batcher.counters()).toMatchObject({ waiting: 2, dropped: 0 })
  })
})
