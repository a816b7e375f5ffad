/** A gateway is stolen: its certificate is revoked in the console, every door is shut and every line cut; enrolled anew, it is back with all it read meanwhile. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { connect } from 'mqtt'
import { expect, it } from 'vitest'
import { writeGatewayCredentials } from '../cloud/enrol.ts'
import { plant as place } from '../demo/places.ts'
import { loadGatewayConfig } from '../edge/config.ts'
import { openGateway } from '../edge/main.ts'
import type { GatewayView } from '../protocol/api.ts'
import { TUNNEL_ALPN } from '../protocol/tunnel/wire.ts'
import { type Harness, openHarness, waitFor } from './harness.ts'

const NAME = `${place.site}/${place.gateway}`

async function viewOf(plant: Harness): Promise<GatewayView> {
  const { body } = await plant.call('/api/fleet', { as: 'admin' })
  return body.sites[0].gateways[0]
}

/** What the thief carried away. */
async function copyDisk(dir: string) {
  const read = (name: string) => readFile(join(dir, place.gateway, 'credentials', name), 'utf8')
  return { key: await read('key.pem'), cert: await read('cert.pem'), ca: await read('ca.pem') }
}

/** Whether the broker, the tunnel's door, answers whoever shows this. */
async function tryDoors({ ports }: Harness, shown: Awaited<ReturnType<typeof copyDisk>>) {
  const client = connect(`mqtts://127.0.0.1:${ports.broker}`, {
    ...{ ...shown, clientId: NAME, protocolVersion: 4, keepalive: 20, reconnectPeriod: 0 },
  })
  const isBrokerOpen = await new Promise<boolean>((resolve) => {
    client.once('connect', () => resolve(true))
    client.once('close', () => resolve(false))
    client.on('error', () => undefined)
  })
  client.end(true)
  const where = { host: '127.0.0.1', port: ports.tunnel, ALPNProtocols: [TUNNEL_ALPN] }
  const socket = connectTls({ ...where, ...shown })
  // The cloud speaks first there: HTTP/2 settings, to whom it let in.
  const isTunnelOpen = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true))
    socket.once('close', () => resolve(false))
    socket.on('error', () => undefined)
  })
  socket.destroy()
  return { isBrokerOpen, isTunnelOpen }
}

it('a revoked gateway is cut off at once and stays out, whatever copy of it dials; enrolled anew it comes back and nothing is lost', async () => {
  await using plant = await openHarness({ machines: ['chiller'] })
  const { broker, hub, audit } = plant.cloud.parts
  await waitFor(() => broker.clients() === 1 && hub.isUp(place.site, place.gateway), 'both lines')
  await waitFor(async () => (await viewOf(plant)).certificate, 'its certificate to be noted')
  const stolen = await copyDisk(plant.dir)
  const path = `/api/gateways/${NAME}/revoke`
  const reason = 'stolen from the van'
  expect(await plant.call(path, { as: 'engineer', body: { reason } })).toMatchObject({
    status: 403,
  })
  expect(hub.isUp(place.site, place.gateway)).toBe(true)

  expect(await plant.call(path, { as: 'admin', body: { reason } })).toMatchObject({ status: 200 })
  await waitFor(() => broker.clients() === 0, 'the broker to cut it')
  await waitFor(() => !hub.isUp(place.site, place.gateway), 'the tunnel to be cut')
  // The gateway itself dials again and again meanwhile.
  expect(await tryDoors(plant, stolen)).toEqual({ isBrokerOpen: false, isTunnelOpen: false })
  expect(await viewOf(plant)).toMatchObject({ revokedAt: expect.any(Number), tunnel: false })
  const [entry] = (await audit.list({ limit: 50 })).filter((it) => it.outcome === 'done')
  expect(entry).toMatchObject({ actor: 'admin', action: 'gateway.revoke', object: NAME })
  const waiting = await waitFor(() => plant.gateway.outbox.depth().batches, 'readings to wait')
  expect(waiting).toBeGreaterThan(0)

  await plant.gateway[Symbol.asyncDispose]()
  // A certificate counts in whole seconds.
  await sleep(1_100)
  const out = join(plant.dir, place.gateway, 'credentials')
  await writeGatewayCredentials(join(plant.dir, 'cloud', 'pki'), place, out)
  await using again = await openGateway(
    await loadGatewayConfig(join(plant.dir, `${place.gateway}.yaml`)),
  )
  await waitFor(() => hub.isUp(place.site, place.gateway), 'the tunnel')
  await waitFor(async () => (await viewOf(plant)).revokedAt === undefined, 'the mark to go')
  await waitFor(() => again.outbox.depth().batches < 3, 'what had waited to be told')
  // The old copy is still worth nothing.
  expect(await tryDoors(plant, stolen)).toEqual({ isBrokerOpen: false, isTunnelOpen: false })
  expect(broker.clients()).toBe(1)
})
