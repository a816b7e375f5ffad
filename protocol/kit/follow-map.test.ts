/** The map that guesses is a map: whatever is asked in whatever order, the answer is the same. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FollowMap } from './follow-map.ts'

test('it answers as a plain map does, whatever is set, deleted and asked in between', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.tuple(
    fc.constantFrom('get', 'get', 'get', 'set', 'delete', 'clear'),
    key,
    fc.nat(),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const plain = new Map<string, number>()
      const follow = new FollowMap<number>()
      for (const [what, name, value] of steps) {
        if (what === 'get') expect(follow.get(name)).toBe(plain.get(name))
        else if (what === 'clear') [plain, follow].map((it) => it.clear())
        else if (what === 'delete') [plain, follow].map((it) => it.delete(name))
        else [plain, follow].map((it) => it.set(name, value))
      }
    }),
  )
})
