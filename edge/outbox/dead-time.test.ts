/** Dead time when clocks were stepped, ran ahead, or a boot lies in between. */
import { expect, test } from 'vitest'
import { createStartGaps } from './dead-time.ts'

const AT = Date.UTC(2026, 10, 22, 12)
const HOUR = 3_600_000
const options = { gateway: 'gw1', maxAgeMs: 48 * HOUR, coverageLagMs: 0 }

/** The last sign of life by the clock of then, and how long ago it was by the machine's uptime. */
function startAfter(lastAlive: number | undefined, deadMs: number | undefined) {
  const lastUptime = deadMs === undefined ? { boot: 'before', ms: 0 } : { boot: 'now', ms: 1000 }
  const uptime = { boot: 'now', ms: 1000 + (deadMs ?? 0) }
  return createStartGaps({ lastAlive, lastUptime }, options, { at: AT, agoMs: 0, uptime })
}

test.each([
  ['as told by both clocks', AT - 60_000, 60_000, AT - 60_000],
  ['by the clock alone, after a boot', AT - 60_000, undefined, AT - 60_000],
  ['by the uptime, when the clock ran three hours ahead', AT + 3 * HOUR, 60_000, AT - 60_000],
  ['by the uptime, when the clock was put back meanwhile', AT - 10_000, 60_000, AT - 60_000],
  ['by the clock, when it was put forward meanwhile', AT - 2 * HOUR, 60_000, AT - 2 * HOUR],
  ['over all that may be kept, after a boot from the future', AT + HOUR, undefined, AT - 48 * HOUR],
])('dead time is told %s', (_, lastAlive, deadMs, from) => {
  expect(startAfter(lastAlive, deadMs)).toEqual([
    { gateway: 'gw1', from, to: AT, reason: 'gateway-down' },
  ])
})

test('a first start has no dead time', () => {
  expect(startAfter(undefined, undefined)).toEqual([])
})
