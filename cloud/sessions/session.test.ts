/** When time ends a session, and how a refusal does. */
import { expect, test } from 'vitest'
import { Fault } from '../../protocol/kit/fault.ts'
import { endingOf, IDLE_MS, timeUp } from './session.ts'

const at = 1_000_000_000

test('a session ends with its window, in whatever state it is', () => {
  for (const state of ['approved', 'active', 'paused'] as const) {
    expect(timeUp({ state, requestedAt: at, until: at + 10 }, at + 9)).toBeUndefined()
    expect(timeUp({ state, requestedAt: at, until: at + 10 }, at + 10)).toBe('expired')
  }
})

test('an active session nobody uses is idle; a paused one waits', () => {
  const base = { requestedAt: at, until: at + 10 * IDLE_MS, activeAt: at }
  expect(timeUp({ ...base, state: 'active' }, at + IDLE_MS)).toBeUndefined()
  expect(timeUp({ ...base, state: 'active' }, at + IDLE_MS + 1)).toBe('idle')
  expect(timeUp({ ...base, state: 'paused' }, at + IDLE_MS + 1)).toBeUndefined()
})

test("a machine that is away does not end the session; the site's no does", () => {
  const refused = (refusal: string) => endingOf(new Fault('tunnel.refused', { refusal }))
  expect(refused('target-unreachable')).toBeUndefined()
  expect(refused('killed')).toBe('revoked')
  expect(refused('key-switch-off')).toBe('interlock')
  expect(refused('target-unknown')).toBe('target-refused')
  expect(endingOf(new Fault('tunnel.down', {}))).toBeUndefined()
})
