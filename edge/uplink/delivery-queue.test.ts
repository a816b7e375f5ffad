/** The delivery queue: every unacknowledged batch is sent, none is in two places, live goes first. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Batch } from '../outbox/outbox.ts'
import { createDeliveryQueue, mergeRanges } from './delivery-queue.ts'

const batch = (number: number): Batch => ({
  number,
  samples: [{ tag: 'a/b/c/d', at: number, value: number, quality: 192 }],
  gaps: [],
})
const options = { ackTimeoutMs: 100, maxLive: 4, maxLiveSamples: 1e6, maxHistorical: 5 }

test('a range that is not under way cannot be acknowledged, nor twice', () => {
  const queue = createDeliveryQueue(options)
  queue.restart()
  queue.sent({ from: 3, to: 5 }, 0, 0)
  expect(queue.acknowledged({ from: 3, to: 6 })).toBe(false)
  expect(queue.acknowledged({ from: 3, to: 5 })).toBe(true)
  expect(queue.acknowledged({ from: 3, to: 5 })).toBe(false)
})

test('history waits while as many samples as allowed are under way', () => {
  const queue = createDeliveryQueue(options)
  queue.restart()
  queue.sent({ from: 1, to: 5 }, 5, 0)
  expect(queue.nextLeft()).toBeUndefined()
  queue.acknowledged({ from: 1, to: 5 })
  expect(queue.nextLeft()).toBeDefined()
})

test('a silent host is asked again ever more slowly, until it answers', () => {
  const queue = createDeliveryQueue(options)
  queue.restart()
  const deadline = (start: number) => {
    queue.sent({ from: 1, to: 1 }, 1, start)
    for (let now = start; ; now += 10) if (queue.expire(now) > 0) return now - start
  }
  expect([0, 1_000, 2_000, 3_000, 5_000].map(deadline)).toEqual([100, 200, 400, 800, 800])
})

test('large batches that wait for a slow socket are bounded by their samples; the rest is left to the outbox', () => {
  const queue = createDeliveryQueue({ ...options, maxLiveSamples: 1000 })
  queue.restart()
  const large = (number: number): Batch => {
    return {
      ...batch(number),
      samples: Array.from({ length: 600 }, () => batch(number).samples[0]!),
    }
  }
  for (const number of [1, 2, 3, 4]) queue.offer(large(number))
  expect(queue.takeLive(1e6)?.map(({ number }) => number)).toEqual([1, 2])
  expect(queue.nextLeft()).toEqual({ from: 3, to: 4 })
})

test('ranges that touch become one', () => {
  expect(
    mergeRanges([
      { from: 5, to: 6 },
      { from: 1, to: 2 },
      { from: 3, to: 3 },
      { from: 9, to: 9 },
    ]),
  ).toEqual([
    { from: 1, to: 3 },
    { from: 5, to: 6 },
    { from: 9, to: 9 },
  ])
})

test('whatever is appended, published, lost, acknowledged or reborn in any order: all is sent in the end, nothing twice at once', () => {
  const step = fc.constantFrom(
    'append',
    'appendSilently',
    'live',
    'history',
    'ack',
    'expire',
    'rebirth',
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const world = createWorld()
      for (const name of steps) world[name]()
      for (let round = 0; round < 2_000 && world.outbox.size > 0; round++) {
        world.live()
        world.history()
        world.ack()
        world.expire()
        if (world.queue.idle()) world.queue.reopen()
      }
      expect([...world.outbox]).toEqual([])
    }),
    { numRuns: 300 },
  )
})

/** An outbox of bare numbers and a host that acknowledges the oldest announced range. */
function createWorld() {
  const queue = createDeliveryQueue(options)
  queue.restart()
  const outbox = new Set<number>()
  let announced: { from: number; to: number }[] = []
  let last = 0
  let now = 0
  const send = (numbers: number[]) => {
    const range = { from: numbers[0]!, to: numbers.at(-1)! }
    for (const other of announced) {
      expect(range.to < other.from || range.from > other.to, 'sent while under way').toBe(true)
    }
    announced.push(range)
    queue.sent(range, numbers.length, now)
  }
  return {
    queue,
    outbox,
    append() {
      outbox.add(++last)
      queue.offer(batch(last))
    },
    appendSilently: () => void outbox.add(++last),
    live() {
      const batches = queue.takeLive(3)
      if (batches) send(batches.map(({ number }) => number))
    },
    history() {
      const range = queue.nextLeft()
      if (!range) return
      const found = [...outbox].filter((each) => each >= range.from && each <= range.to).slice(0, 3)
      queue.takeLeft(range, found.map(batch))
      if (found.length > 0) send(found)
    },
    ack() {
      const range = announced.shift()
      if (!range || !queue.acknowledged(range)) return
      for (let number = range.from; number <= range.to; number++) outbox.delete(number)
    },
    expire() {
      now += 1_000
      if (queue.expire(now) > 0) announced = []
    },
    rebirth() {
      queue.restart()
      announced = []
    },
  }
}
