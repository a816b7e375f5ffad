/** A certificate of seconds in the whole product: it ends again and again, and nobody notices; what comes too late finds its way back, what is not allowed does not. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { writeGatewayCredentials } from '../cloud/enrol.ts'
import type { Cloud } from '../cloud/main.ts'
import { plant as place } from '../demo/places.ts'
import { quality, type Sample } from '../protocol/model.ts'
import { createModbusMemory, openModbusServer } from '../simulators/kit/modbus-server.ts'
import { findDoubled } from './faults/judge.ts'
import { type Harness, openHarness, waitFor } from './harness.ts'

const COUNT = 'kita-plant/gw-plant/counter/Count'
/** Long enough for a machine under load to renew in time, most of the time; too late is no failure either. */
const LIFE_S = 3
const DAY_S = 86_400

function describeCounter(port: number): Record<string, unknown> {
  const tags = [{ name: 'Count', type: 'UInt32', table: 'input', address: 0, encoding: 'uint32' }]
  const rest = { driver: 'modbus', host: '127.0.0.1', port, timeoutMs: 60_000 }
  return { id: 'counter', ...rest, groups: [{ name: 'all', intervalMs: 50, tags }] }
}

/** What the cloud knows of the gateway's certificate. */
async function certificateOf(plant: Harness): Promise<{ until: number; isLate: boolean }> {
  const { body } = await plant.call('/api/fleet', { as: 'engineer' })
  return body.sites[0].gateways[0].certificate
}

it('a gateway whose certificate had ended comes in to renew it; then they end every few seconds, and no reading is lost', async () => {
  /** Shows another integer at every look: whatever is missing later was lost, not overlooked. */
  let shown = 0
  const memory = createModbusMemory({ input: [[0, 2]] })
  await using counter = await openModbusServer({
    units: { 1: memory },
    behave() {
      shown += 1
      memory.input.set(0, shown >> 16).set(1, shown & 0xffff)
      return undefined
    },
  })
  await using plant = await openHarness({
    machines: ['chiller'],
    changeCloud(file) {
      file.tunnel = { ...(file.tunnel as object), certificateDays: LIFE_S / DAY_S }
    },
    changeGateway: ({ devices }) => devices.push(describeCounter(counter.port)),
    // The gateway was off for as long as its certificate lived.
    async beforeGateway(cloud) {
      await enrolFor(cloud, 0.5 / DAY_S)
      await sleep(1500)
    },
  })
  const { audit, broker, hub } = plant.cloud.parts
  const first = await waitFor(() => certificateOf(plant), 'the first renewed one to be in use')
  await waitFor(async () => (await read(plant)).some(isGood), 'the counter')
  await waitFor(async () => (await certificateOf(plant)).until > first.until, 'the next one')
  await waitFor(() => Date.now() > first.until, 'the end of the first one')
  const until = shown
  // What was taken while a line changed goes later, as history.
  const stored = await waitFor(async (): Promise<Sample[] | undefined> => {
    const samples = await read(plant)
    const values = new Set(samples.filter(isGood).map(({ value }) => Number(value)))
    return [...values].filter((value) => value <= until).length === until ? samples : undefined
  }, `all of ${until} readings`)
  const good = stored.filter(isGood).map(({ value, at }) => ({ value: Number(value), at }))
  const stale = stored.filter((one) => one.quality === quality.stale).map(({ at }) => at)
  expect(findDoubled(good, stale)).toEqual([])
  await waitFor(() => broker.clients() === 1, 'one line to the broker')
  await waitFor(() => hub.isUp(place.site, place.gateway), 'the tunnel')
  const lines = (await audit.list({ limit: 200 })).map((it) => `${it.action} ${it.outcome}`)
  expect(lines.filter((it) => it === 'gateway.renew-certificate done').length).toBeGreaterThan(1)
})

/** Everything stored of the counter, in order of time. */
async function read({ cloud }: Harness): Promise<Sample[]> {
  return await cloud.parts.historian.raw(COUNT, 0, Date.now() + 60_000, 100_000)
}

const isGood = (one: Sample) => one.quality === quality.good

async function enrolFor({ parts: { dataDir } }: Cloud, days: number): Promise<void> {
  const out = join(dataDir, '..', place.gateway, 'credentials')
  await writeGatewayCredentials(join(dataDir, 'pki'), { ...place, days }, out)
}
