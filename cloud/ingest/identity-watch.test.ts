/** Two nodes with one identity are told from one that restarts, flaps or forgets its number. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createIdentityWatch } from './identity-watch.ts'

const tell = (numbers: readonly number[], stepMs = 1_000) => {
  const watch = createIdentityWatch()
  return numbers.flatMap((number, index) => watch.born(number & 255, index * stepMs) ?? [])
}
/** Births in turns of two nodes that began counting at these numbers; a step above one is a CONNECT that came to nothing. */
const turns = (a: number, b: number, step = 1) =>
  Array.from({ length: 6 }, (_, turn) => [a + turn * step, b + turn * step]).flat()

test('two nodes that put each other out are told once, unless their numbers mesh like those of one', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 255 }),
      fc.nat({ max: 255 }),
      fc.integer({ min: 1, max: 4 }),
      (a, b, step) => {
        // 0, 2, 4, 6 …: two that skip and lie that close look like one that skips.
        fc.pre(((b - a) & 255) === 0 || ((b - a) & 255) >= step)
        expect(tell(turns(a, b, step))).toEqual([6])
      },
    ),
  )
})
test('a node alone is never told, however it flaps, skips, restarts from 0 or loses its number', () => {
  const step = fc.integer({ min: 1, max: 20 })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 255 }), (steps, first) => {
      let at = first
      expect(tell(steps.map((by) => (at += by)))).toEqual([])
    }),
  )
  expect(tell([0, 0, 0, 0, 0, 0])).toEqual([])
  expect(tell([0, 1, 2, 0, 1, 2, 0, 1, 2])).toEqual([])
  expect(tell([7, 8, 0, 1, 2, 3])).toEqual([])
})
test('turns that lie hours apart are not a contest', () => {
  expect(tell(turns(5, 90), 3_600_000)).toEqual([])
})
test('a contest that goes on is told again every ten minutes', () => {
  const watch = createIdentityWatch()
  const told = Array.from({ length: 60 }, (_, turn) => [5 + turn, 90 + turn])
    .flat()
    .map((number, index) => watch.born(number & 255, index * 15_000))
  // Half an hour of it, a turn each 15 s: 20 crossings lie in ten minutes.
  expect(told.filter((takeovers) => takeovers !== undefined)).toEqual([6, 40, 40])
})
