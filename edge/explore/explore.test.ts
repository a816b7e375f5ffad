/** Looking at devices from the command line, against a Modbus and an OPC UA server. */
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Fault } from '../../protocol/kit/fault.ts'
import { quality } from '../../protocol/model.ts'
import { createModbusMemory, openModbusServer } from '../../simulators/kit/modbus-server.ts'
import { openOpcuaServer } from '../../simulators/kit/opcua-server.ts'
import { checkDevices } from '../device-config.ts'
import { browseOpcua } from './browse-opcua.ts'
import { formatScan } from './format-found.ts'
import { formatReadTag, readTag } from './read-tag.ts'
import { announceScan, type ScanOptions, scanModbus } from './scan-modbus.ts'

const never = () => new AbortController().signal
const folder = () => mkdtemp(join(tmpdir(), 'mimamori-explore-'))
const place = { site: 'plant', gateway: 'gw-1' }

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Fault) return error
  throw new Error(`no fault: ${error}`)
}

async function writeConfig(port: number): Promise<string> {
  const file = join(await folder(), 'gateway.yaml')
  await writeFile(
    file,
    `site: plant
gateway: gw-1
dataDir: ./data
cloud: { mqttUrl: mqtts://127.0.0.1:1, tunnelHost: 127.0.0.1, tunnelPort: 1, credentials: ./c }
devices:
  - id: chiller
    driver: modbus
    host: 127.0.0.1
    port: ${port}
    groups:
      - name: fast
        intervalMs: 1000
        tags:
          - { name: Supply, type: Double, unit: °C, scale: 0.1, table: holding, address: 0, encoding: uint16 }
          - { name: Absent, type: UInt16, table: holding, address: 500 }
`,
  )
  return file
}

describe('mimamori edge read', () => {
  it('reads one tag once and shows it as the gateway would send it', async () => {
    const memory = createModbusMemory({ holding: [[0, 4]] })
    memory.setUint16('holding', 0, 65)
    await using server = await openModbusServer({ units: { 1: memory } })
    const file = await writeConfig(server.port)
    const read = await readTag(file, 'chiller/Supply', never())
    expect(read.sample).toMatchObject({ value: 6.5, quality: quality.good })
    expect(formatReadTag(read)).toMatch(
      /^tag +plant\/gw-1\/chiller\/Supply\nvalue +6.5 °C\nquality +good\ntime/,
    )
    expect(server.requests()).toBe(1)
    expect((await readTag(file, 'plant/gw-1/chiller/Supply', never())).sample.value).toBe(6.5)
  })

  it('shows the status of a tag that cannot be read', async () => {
    const memory = createModbusMemory({ holding: [[0, 4]] })
    await using server = await openModbusServer({ units: { 1: memory } })
    const read = await readTag(await writeConfig(server.port), 'chiller/Absent', never())
    expect(formatReadTag(read)).toContain(
      'value    none\nquality  bad\nstatus   2 (0x2) the device has no such address',
    )
  })

  it('suggests the tag that was meant', async () => {
    const fault = await faultOf(readTag(await writeConfig(1), 'chiller/Suply', never()))
    expect(fault.code).toBe('explore.unknown-tag')
    expect(fault.message).toContain('did you mean "chiller/Supply"')
  })
})

const scan = (port: number, more: Partial<ScanOptions> = {}): ScanOptions => ({
  host: '127.0.0.1',
  port,
  units: [1],
  table: 'holding',
  from: 0,
  to: 299,
  timeoutMs: 300,
  requestsPerS: 10_000,
  ...more,
})

describe('mimamori edge scan modbus', () => {
  it('finds exactly the registers that are there, and prints a configuration that is accepted', async () => {
    const memory = createModbusMemory({
      holding: [
        [3, 5],
        [98, 4],
        [250, 1],
      ],
    })
    memory.setUint16('holding', 250, 4711)
    await using server = await openModbusServer({ units: { 1: memory } })
    const options = scan(server.port)
    const scanned = await scanModbus(options, never())
    const expected = [3, 4, 5, 6, 7, 98, 99, 100, 101, 250]
    expect([...(scanned[0]?.values.keys() ?? [])]).toEqual(expected)
    const text = formatScan(scanned, options)
    expect(text).toContain('address: 250 } # was 4711')
    const { devices, problems } = await checkDevices(parse(text).devices, place)
    expect(problems).toEqual([])
    const tags = devices[0]?.groups[0]?.tags ?? []
    expect(tags.map(({ tag }) => tag.address.address)).toEqual(expected)
  })

  it('finds one hole among hundreds with a few requests', async () => {
    const memory = createModbusMemory({
      holding: [
        [0, 157],
        [158, 142],
      ],
    })
    await using server = await openModbusServer({ units: { 1: memory } })
    const [found] = await scanModbus(scan(server.port), never())
    expect(found?.values.size).toBe(299)
    expect(found?.values.has(157)).toBe(false)
    // Three blocks; halving the middle one down to its hole asks two at each of seven steps.
    expect(server.requests()).toBeLessThanOrEqual(3 + 2 * 7)
  })

  it('never asks more than it said before', async () => {
    await using server = await openModbusServer({ units: { 1: createModbusMemory({}) } })
    const options = scan(server.port)
    const scanned = await scanModbus(options, never())
    expect(scanned[0]?.values.size).toBe(0)
    expect(announceScan(options)).toContain(`3 to ${server.requests()} requests`)
  })

  it('goes on with the next unit when one says nothing, is not there, or has no such table', async () => {
    const memory = createModbusMemory({ holding: [[0, 300]] })
    await using server = await openModbusServer({
      units: { 1: memory, 3: memory, 4: memory },
      behave: ({ unit }) => (unit === 1 ? 'silent' : unit === 3 ? { exception: 1 } : undefined),
    })
    const scanned = await scanModbus(scan(server.port, { units: [1, 2, 3, 4] }), never())
    expect(scanned.map(({ values }) => values.size)).toEqual([0, 0, 0, 300])
    expect(scanned.map(({ stopped }) => stopped)).toEqual([
      'no answer when asked for holding 0',
      'there is no such unit behind the gateway (exception 11)',
      'it has no holding table (exception 1)',
      undefined,
    ])
  })

  it('waits for a busy unit, and reads bits as well', async () => {
    const memory = createModbusMemory({ coils: [[0, 20]] })
    memory.setBit('coils', 17, true)
    let turn = 0
    await using server = await openModbusServer({
      units: { 1: memory },
      behave: () => (turn++ === 0 ? { exception: 6 } : undefined),
    })
    const options = scan(server.port, { table: 'coil', to: 19 })
    const scanned = await scanModbus(options, never())
    expect([...(scanned[0]?.values ?? [])].filter(([, value]) => value === 1)).toEqual([[17, 1]])
  })

  it('keeps to the rate it was given', async () => {
    const seen: number[] = []
    await using server = await openModbusServer({
      units: { 1: createModbusMemory({}) },
      behave: () => {
        seen.push(performance.now())
        return undefined
      },
    })
    await scanModbus(scan(server.port, { to: 7, requestsPerS: 50 }), never())
    expect(seen.length).toBe(15)
    // Half of the least time: the first request may arrive late on a busy machine. Unpaced it is a few ms.
    expect((seen.at(-1) ?? 0) - (seen[0] ?? 0)).toBeGreaterThan((14 * 20) / 2)
  })

  it('says so when nobody listens', async () => {
    const server = await openModbusServer({ units: {} })
    await server[Symbol.asyncDispose]()
    expect((await faultOf(scanModbus(scan(server.port), never()))).code).toBe('driver.disconnected')
  })
})

describe('mimamori edge browse', () => {
  async function openPress() {
    const dir = await folder()
    const server = await openOpcuaServer({
      namespaceUri: 'urn:test:press',
      title: 'Test press',
      folder: join(dir, 'server'),
      device: 'Press',
      variables: [
        { name: 'Pressure', type: 'Double', initial: 1.5, writable: true },
        { name: 'Running', type: 'Boolean', initial: true },
      ],
      security: 'encrypted',
    })
    return { server, state: join(dir, 'state') }
  }

  it('prints a configuration of all variables that the check accepts', async () => {
    const { server, state } = await openPress()
    await using _ = server
    const trust = [server.certificateFile]
    const { config, report } = await browseOpcua(server.endpoint, { state, trust }, never())
    expect(report).toMatch(/^\d+ nodes seen, \d+ variables/)
    expect(config).toContain('nsu=urn:test:press;s=Press.Pressure')
    const { devices, problems } = await checkDevices(parse(config).devices, place)
    expect(problems).toEqual([])
    const tags = devices[0]?.groups[0]?.tags.map(({ tag }) => tag) ?? []
    const ours = tags.filter((tag) => String(tag.address.nodeId).startsWith('nsu=urn:test:press'))
    expect(ours.map(({ type }) => type).sort()).toEqual(['Boolean', 'Double'])
  }, 30_000)

  it('refuses a server whose certificate nobody trusts yet, and keeps it for comparison', async () => {
    const { server, state } = await openPress()
    await using _ = server
    const fault = await faultOf(browseOpcua(server.endpoint, { state }, never()))
    expect(fault.code).toBe('opcua.untrusted')
    expect((await readdir(state, { recursive: true })).some((it) => /rejected/.test(it))).toBe(true)
  }, 30_000)

  it('suggests the security policy that was meant', async () => {
    const wrong = { state: '.', security: 'Basic256Sha265' }
    const fault = await faultOf(browseOpcua('opc.tcp://127.0.0.1:1', wrong, never()))
    expect(fault.detail.problems).toContain('did you mean "Basic256Sha256"?')
  })
})
