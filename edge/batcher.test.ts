/** The batcher between links and disk: a disk that refuses, a process that stood still. */
import { expect, test, vi } from 'vitest'
import type { Gap, Sample } from '../protocol/model.ts'
import { createBatcher } from './batcher.ts'
import { createGatewayClock } from './gateway-clock.ts'

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
