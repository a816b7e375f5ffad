/** Births that are asked for too fast wait for their turn, and the data gets its own. */
import { expect, test } from 'vitest'
import { createRebirthPace, MIN_BIRTH_MS } from './rebirth-pace.ts'

test('after a calm time a rebirth goes out at once', () => {
  const pace = createRebirthPace()
  expect(pace.due(0)).toBe(0)
  pace.born(5)
  expect(pace.due(5 + MIN_BIRTH_MS)).toBe(0)
})
test('a request that comes too soon waits for the rest of the time, then the data has its turn, then births again', () => {
  const pace = createRebirthPace()
  pace.born(0)
  expect(pace.due(300)).toBe(MIN_BIRTH_MS - 300)
  pace.born(MIN_BIRTH_MS)
  expect(pace.due(MIN_BIRTH_MS)).toBeUndefined()
  expect(pace.due(MIN_BIRTH_MS + 1)).toBe(MIN_BIRTH_MS - 1)
})
