/** The committer by itself: order, bounds, and what may be acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Sample } from '../../protocol/model.ts'
import type { BatchRange } from '../../protocol/sparkplug/delivery.ts'
import { type Bundle, type CommitterOptions, createCommitter } from './committer.ts'

const sample = (value: number): Sample => ({ tag: 'a/b/c/d', at: value, value, quality: 192 })

function createRig(options: Partial<CommitterOptions> = {}) {
  const committed: number[][] = []
  const acknowledged: BatchRange[] = []
  const committer = createCommitter({
    commit: async (bundle: Bundle) => void committed.push(bundle.live.map(({ at }) => at)),
    commitMs: 5,
    maxPending: 3,
    acknowledge: (range) => acknowledged.push(range),
    failed: () => {},
    ...options,
  })
  return { committer, committed, acknowledged }
}

test('a tick that finds nothing left to do stops neither later commits nor the drain', async () => {
  const { committer, committed } = createRig()
  committer.close({ from: 1, to: 1 })
  committer.restart()
  await sleep(30)
  committer.add({ live: [sample(1)] })
  await committer.drain()
  expect(committed).toEqual([[1]])
})

test('a full queue takes nothing, and the range it belonged to is not acknowledged', async () => {
  const { committer, committed, acknowledged } = createRig()
  expect(committer.add({ live: [sample(1), sample(2), sample(3)] })).toBe(true)
  expect(committer.add({ live: [sample(4)] })).toBe(false)
  committer.close({ from: 1, to: 4 })
  await committer.drain()
  committer.add({ live: [sample(5)] })
  committer.close({ from: 5, to: 5 })
  await committer.drain()
  expect(committed).toEqual([[1, 2, 3], [5]])
  expect(acknowledged).toEqual([{ from: 5, to: 5 }])
  expect(committer.pending()).toBe(0)
})

test('commits of one gateway never overlap and keep their order', async () => {
  let running = 0
  const order: number[] = []
  const { committer } = createRig({
    maxPending: 100,
    async commit({ live }) {
      running += 1
      expect(running).toBe(1)
      await sleep(3)
      order.push(...live.map(({ at }) => at))
      running -= 1
    },
  })
  for (let value = 0; value < 20; value++) {
    committer.add({ live: [sample(value)] })
    await sleep(1)
  }
  await committer.drain()
  expect(order).toEqual(Array.from({ length: 20 }, (_, value) => value))
})
