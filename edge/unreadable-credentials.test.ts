/** A key and a certificate that nobody can read: no cloud, and a gateway that runs all the same. */
import { expect, test } from 'vitest'
import { createLog } from '../protocol/kit/log.ts'
import type { Outbox } from './outbox/outbox.ts'
import { openTunnel } from './tunnel/agent.ts'
import type { Dialer } from './tunnel/dialer.ts'
import { openUplink } from './uplink/uplink.ts'

const log = createLog('gw1').child({}, { level: 'silent' })
const rubbish = { key: 'rubbish', cert: 'rubbish', ca: 'rubbish' }

/** Credentials that tell when they were refused so often. */
function refusedTimes(count: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = count
  const judged = (_: unknown, isAccepted: boolean) => {
    if (!isAccepted && --left === 0) resolve()
  }
  return { credentials: { use: () => rubbish, judged }, refused: promise }
}

test('with credentials that cannot be read the tunnel is down and dials again', async () => {
  const { credentials, refused } = refusedTimes(2)
  const dialer = { lineLost: () => {} } as unknown as Dialer
  await using tunnel = openTunnel({ host: '127.0.0.1', port: 9, credentials, dialer, log })
  expect(await tunnel.redial()).toContain('PEM')
  await refused
  expect(tunnel.state().up).toBe(false)
})

test('with credentials that cannot be read the uplink is down and tries again', async () => {
  const { credentials, refused } = refusedTimes(3)
  await using uplink = openUplink({
    ...{ url: 'mqtts://127.0.0.1:9', tls: credentials, backoff: { minMs: 1, maxMs: 5 } },
    ...{ site: 'plant', gateway: 'gw1', clientId: 'plant/gw1', software: 'x', targets: [] },
    ...{ devices: () => [], primaryHost: 'mimamori', delivery: 'acknowledged' },
    outbox: {} as Outbox,
    log,
  })
  await refused
  expect(uplink.state().connected).toBe(false)
})
