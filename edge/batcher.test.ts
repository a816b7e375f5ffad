/** The batcher between links and disk: a disk that refuses, a process that stood still. */
import { expect, test, vi } from 'vitest'
import { Fault } from '../protocol/kit/fault.ts'
import { createLog } from '../protocol/kit/log.ts'
import type { Gap, Sample } from '../protocol/model.ts'
import { createBatcher } from './batcher.ts'

const reading = (value: number): Sample => ({
  ...{ tag: 'plant/gw1/plc/Count', at: Date.now(), value, quality: 192 },
})

function openBench() {
  const disk = { isFull: false, heartbeats: 0, samples: [] as Sample[], gaps: [] as Gap[] }
  const refuse = () => {
    if (disk.isFull) throw new Fault('outbox.unwritable', { file: 'outbox', reason: 'full' })
  }
  const batcher = createBatcher({
    flushMs: 200,
    append(samples, gaps) {
      refuse()
      disk.samples.push(...samples)
      disk.gaps.push(...gaps)
      return 1
    },
    publish: () => undefined,
    heartbeat() {
      refuse()
      disk.heartbeats += 1
    },
    gateway: 'gw1',
    log: createLog('test'),
  })
  return { disk, batcher }
}

test('a full disk while nothing new is read does not end the gateway', () => {
  const { disk, batcher } = openBench()
  disk.isFull = true
  batcher.flush()
  expect(disk.heartbeats).toBe(0)
  batcher.add([reading(1)])
  batcher.flush()
  disk.isFull = false
  batcher.flush()
  expect(disk.samples.map(({ value }) => value)).toEqual([1])
})

test('a process that stood still tells the time as a gap, once', async () => {
  const { disk, batcher } = openBench()
  let ms = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => ms)
  try {
    const stop = new AbortController()
    const running = batcher.run(stop.signal)
    await vi.waitUntil(() => disk.heartbeats > 0, { timeout: 20_000 })
    ms += 60_000
    await vi.waitUntil(() => disk.gaps.length > 0, { timeout: 20_000 })
    stop.abort()
    await running
    expect(disk.gaps).toMatchObject([{ gateway: 'gw1', reason: 'gateway-down' }])
  } finally {
    clock.mockRestore()
  }
})
