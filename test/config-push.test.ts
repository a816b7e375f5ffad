/** A configuration goes from the console to a running gateway: what it leaves alone is not disturbed, what goes wrong goes back by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { ConfigVersionSummary, GatewayConfigView } from '../protocol/api-gateway-config.ts'
import { quality } from '../protocol/model.ts'
import {
  createModbusMemory,
  type ModbusServer,
  openModbusServer,
} from '../simulators/kit/modbus-server.ts'
import { type Harness, openHarness, type Reply, waitFor } from './harness.ts'
import { openWireSpy, type WireSpy } from './wire-spy.ts'

const COUNT = 'kita-plant/gw-plant/counter/Count'
const PAGE = '/api/gateways/kita-plant/gw-plant/configuration'

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())
let plant: Harness
let spy: WireSpy
/** Shows another integer at every look: whatever is missing later was lost, not overlooked. */
let counter: ModbusServer
let extra: ModbusServer
let shown = 0

beforeAll(async () => {
  const memory = createModbusMemory({ input: [[0, 2]] })
  counter = stack.use(
    await openModbusServer({
      units: { 1: memory },
      behave() {
        shown += 1
        memory.input.set(0, shown >> 16).set(1, shown & 0xffff)
        return undefined
      },
    }),
  )
  extra = stack.use(
    await openModbusServer({ units: { 1: createModbusMemory({ coils: [[0, 1]] }) } }),
  )
  plant = stack.use(
    await openHarness({
      machines: ['chiller'],
      changeGateway: ({ devices }) => devices.push(describeCounter(counter.port)),
      beforeGateway: async (cloud) => {
        spy = stack.use(await openWireSpy(cloud))
      },
    }),
  )
  await waitFor(async () => (await page()).present, 'the gateway to tell what it runs with')
  await waitFor(() => isGood(COUNT), 'the counter')
})

describe('a configuration from the cloud', () => {
  it('begins with what the gateway itself says it runs, and is for engineers', async () => {
    const { present, reachable, versions } = await page()
    expect(reachable).toBe(true)
    expect(versions).toEqual([])
    expect(present).toMatchObject({ from: 'site', version: null, allowed: true })
    expect(parse(present?.yaml ?? '').devices.map(({ id }: { id: string }) => id)).toEqual([
      'chiller',
      'counter',
    ])
    expect((await plant.call(PAGE, { as: 'technician' })).status).toBe(403)
  })

  it('with a mistake is refused by the gateway, beside its line, and changes nothing', async () => {
    const yaml = (await page()).present?.yaml ?? ''
    const wrong = yaml.replace('encoding: uint32', 'encodng: uint32')
    const line = wrong.split('\n').findIndex((text) => text.includes('encodng')) + 1
    const checked = await act('check', { yaml: wrong })
    expect(checked.body.diff).toBeNull()
    expect(checked.body.problems).toContainEqual({
      line,
      path: 'devices[0].groups[0].tags[3].encodng',
      say: 'unknown key, did you mean "encoding"?',
    })
    await act('draft', { yaml: wrong })
    await act('send', { reason: 'to see it refused' })
    const [version] = (await page()).versions
    expect(version).toMatchObject({
      state: 'refused',
      why: 'invalid',
      problems: checked.body.problems,
    })
    expect(running()).toEqual(['chiller', 'counter'])
  })

  it('starts and stops what it changes; the rest keeps its connection and loses no reading', async () => {
    const births = plant.gateway.uplink.state().births
    const counterBirths = countBirths('counter')
    const yaml = await edit((devices) => {
      devices[0]!.groups[0]!.intervalMs = 500
      devices[0]!.groups[0]!.tags.pop()
      devices.push(describeExtra(extra.port))
    })
    expect((await act('check', { yaml })).body).toMatchObject({
      problems: [],
      diff: {
        added: [{ device: 'extra', tags: 1 }],
        removed: [],
        changed: [
          {
            device: 'chiller',
            settings: [{ name: 'all.intervalMs', from: '1000', to: '500' }],
            tagsRemoved: ['Fault'],
          },
        ],
        untouched: ['counter'],
      },
    })
    const done = await push(yaml, 'confirmed')
    expect(done).toMatchObject({ reason: 'a change', sentBy: 'engineer' })
    await waitFor(async () => (await devices()).extra, 'the new device on the fleet page')
    await waitFor(
      () => isGood('kita-plant/gw-plant/extra/On'),
      'a good value of the new device in the historian',
    )
    // What is not read any more must not look fresh for ever.
    await waitFor(
      async () => (await newest('kita-plant/gw-plant/chiller/Fault'))?.quality === quality.stale,
      'the tag that left to be stale',
    )
    expect(counter.connections()).toBe(1)
    // Aliases and births of the node stayed as they were.
    expect(plant.gateway.uplink.state().births).toBe(births)
    expect(countBirths('counter')).toBe(counterBirths)
    expect(countBirths('extra')).toBeGreaterThan(0)
    await expectWholeLedger()
  })

  it('that says the same again is acknowledged as such', async () => {
    const before = (await page()).present
    const done = await push(`# another remark\n${before?.yaml}`, 'unchanged')
    expect(done.diff?.untouched).toEqual(['chiller', 'counter', 'extra'])
    expect((await page()).present?.hash).toBe(before?.hash)
  })

  it('goes back to a former version, and a device that left is seen no more', async () => {
    await act('restore', { version: 1 })
    await act('send', { reason: 'as it was' })
    await waitFor(async () => (await page()).versions[0]?.state === 'confirmed', 'the roll-back')
    await waitFor(async () => !(await devices()).extra, 'the device to leave the fleet page')
    const died = spy.messages.filter(({ topic }) => topic.includes('/DDEATH/')).map(lastPart)
    expect(died).toContain('extra')
    expect(counter.connections()).toBe(1)
  })

  it('is taken back by the gateway itself when the cloud does not acknowledge what it reads', async () => {
    const yaml = await edit((devices) => devices.push(describeExtra(extra.port)))
    await act('draft', { yaml })
    const { ingest } = plant.cloud.parts
    await ingest[Symbol.asyncDispose]()
    await act('send', { reason: 'with the line cut', confirmWithinS: 2 })
    await waitFor(() => running().includes('extra'), 'the trial', 8000).catch(async (e) => {
      console.log(JSON.stringify(await page()).slice(0, 8000))
      throw e
    })
    const [version] = await waitFor(async () => {
      const { versions } = await page()
      return versions[0]?.state === 'reverted' ? versions : undefined
    }, 'the gateway to take it back')
    expect(version).toMatchObject({ why: 'not-confirmed' })
    expect(running()).toEqual(['chiller', 'counter'])
    expect(counter.connections()).toBe(1)
  })

  it('leaves a trace of who, what and why in the audit log', async () => {
    const entries = await plant.cloud.parts.audit.list({ limit: 100 })
    const mine = entries.filter(({ action }) => action === 'gateway.configure')
    const sent = mine.filter(({ detail }) => detail.includes('"act":"send"'))
    expect(sent.length).toBe(5)
    expect(sent.at(-1)).toMatchObject({ actor: 'engineer', object: 'kita-plant/gw-plant' })
    expect(sent.at(-1)?.detail).toContain('to see it refused')
    const ended = mine.filter(({ actor }) => actor === 'gateway-config')
    expect(ended.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'done',
      'done',
      'done',
      'failed',
    ])
  })
})

interface RawDevice {
  id: string
  groups: { name: string; intervalMs: number; tags: unknown[] }[]
  [option: string]: unknown
}

function describeCounter(port: number): RawDevice {
  const tags = [{ name: 'Count', type: 'UInt32', table: 'input', address: 0, encoding: 'uint32' }]
  // A slow machine may be slow to answer: the line stays.
  const rest = { driver: 'modbus', host: '127.0.0.1', port, timeoutMs: 60_000 }
  return { id: 'counter', ...rest, groups: [{ name: 'all', intervalMs: 50, tags }] }
}

function describeExtra(port: number): RawDevice {
  const tags = [{ name: 'On', type: 'Boolean', table: 'coil', address: 0 }]
  const rest = { driver: 'modbus', host: '127.0.0.1', port, timeoutMs: 60_000 }
  return { id: 'extra', ...rest, groups: [{ name: 'all', intervalMs: 200, tags }] }
}

async function page(): Promise<GatewayConfigView> {
  const { status, body } = await plant.call(PAGE, { as: 'engineer' })
  if (status !== 200) throw new Error(`the page answers ${status}`)
  return body
}

async function act(verb: string, body: unknown): Promise<Reply> {
  const reply = await plant.call(`${PAGE}/${verb}`, { as: 'engineer', body })
  if (reply.status !== 200)
    throw new Error(`${verb}: ${reply.status} ${JSON.stringify(reply.body)}`)
  return reply
}

/** The present configuration with a change, as a person would make it. */
async function edit(change: (devices: RawDevice[]) => void): Promise<string> {
  const value = parse((await page()).present?.yaml ?? '') as { devices: RawDevice[] }
  change(value.devices)
  return stringify(value)
}

async function push(yaml: string, state: string): Promise<ConfigVersionSummary> {
  await act('draft', { yaml })
  await act('send', { reason: 'a change' })
  return await waitFor(async () => {
    const [newest] = (await page()).versions
    if (newest?.state === state) return newest
    throw new Error(JSON.stringify(newest))
  }, `the newest version to be ${state}`)
}

async function devices(): Promise<Record<string, boolean>> {
  const { body } = await plant.call('/api/fleet', { as: 'engineer' })
  const [gateway] = body.sites[0].gateways
  return Object.fromEntries(
    gateway.devices.map(({ id, online }: { id: string; online: boolean }) => [id, online]),
  )
}

/** What the gateway runs just now. */
function running(): string[] {
  return plant.gateway.tags.devices().map(({ device }) => device)
}

async function newest(tag: string) {
  const [sample] = await plant.cloud.parts.historian.latest([tag as never])
  return sample
}

async function isGood(tag: string): Promise<boolean> {
  return (await newest(tag))?.quality === quality.good
}

function countBirths(device: string): number {
  return spy.messages.filter(({ topic }) => topic.endsWith(`/DBIRTH/gw-plant/${device}`)).length
}

const lastPart = ({ topic }: { topic: string }) => topic.split('/').at(-1)

/** Everything the machine has shown up to now is stored once. */
async function expectWholeLedger(): Promise<void> {
  const until = shown
  const { historian } = plant.cloud.parts
  const read = async () => {
    const samples = await historian.raw(COUNT, 0, Date.now() + 60_000, 100_000)
    return samples.filter((one) => one.quality === quality.good).map(({ value }) => Number(value))
  }
  await waitFor(async () => (await read()).some((value) => value >= until), 'the last integer')
  const stored = (await read()).filter((value) => value <= until)
  expect(stored).toEqual(Array.from({ length: until }, (_, i) => i + 1))
}
