/** The order of messages, across the turn of the counter and around what is lost. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createReorder } from './reorder.ts'

test('whatever overtakes what within the window, the order comes out right', () => {
  const shuffled = fc
    .tuple(fc.nat({ max: 255 }), fc.integer({ min: 1, max: 90 }))
    .chain(([start, count]) =>
      fc.tuple(
        fc.constant(start),
        fc.shuffledSubarray(
          Array.from({ length: count }, (_, index) => index),
          { minLength: count },
        ),
      ),
    )
  fc.assert(
    fc.property(shuffled, ([start, order]) => {
      const reorder = createReorder<number>()
      reorder.restart(start)
      const out = order.flatMap((index) => reorder.accept((start + 1 + index) % 256, index))
      expect(out).toEqual(order.map((_, index) => index))
      expect(reorder.waiting()).toBe(0)
    }),
  )
})

test('giving up hands out what waited, in order, and goes on behind it', () => {
  const reorder = createReorder<number>()
  reorder.restart(250)
  expect([2, 0, 254, 253].flatMap((seq) => reorder.accept(seq, seq))).toEqual([])
  expect(reorder.giveUp()).toEqual([253, 254, 0, 2])
  expect(reorder.accept(3, 3)).toEqual([3])
})
