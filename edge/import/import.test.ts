/** Files of other gateways become ours, with a line for everything that was left. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { isFault } from '../../protocol/kit/fault.ts'
import { checkDevices, type DeviceConfig } from '../device-config.ts'
import { type ImportKind, importFile } from './import-file.ts'
import { isTable, parseToml } from './toml.ts'

const samples = join(import.meta.dirname, 'samples')
const namespaces = { 2: 'urn:acme:press' }

async function importSample(kind: ImportKind, file: string) {
  const { config, report } = await importFile(kind, join(samples, file), namespaces)
  const place = { site: 'plant', gateway: 'gw-1' }
  const { devices, problems } = await checkDevices(parse(config).devices, place)
  expect(problems).toEqual([])
  return { devices, report: report.split('\n') }
}

const tagsOf = (device: DeviceConfig | undefined) =>
  device?.groups.flatMap(({ tags }) =>
    tags.map(({ tag, scale }) => ({ name: tag.name, type: tag.type, scale, ...tag.address })),
  )

describe('mimamori edge import telegraf', () => {
  it('takes Modbus inputs of both styles with place, types, orders and scales', async () => {
    const { devices } = await importSample('telegraf', 'telegraf.toml')
    const [chiller, meters] = devices
    expect(chiller?.options).toMatchObject({
      host: '10.0.0.5',
      port: 502,
      unit: 3,
      timeoutMs: 1000,
    })
    expect(chiller?.groups[0]?.intervalMs).toBe(5000)
    expect(tagsOf(chiller)).toEqual([
      { name: 'running', type: 'Boolean', table: 'coil', address: 3 },
      {
        name: 'supply',
        type: 'Double',
        scale: 0.1,
        table: 'holding',
        address: 0,
        encoding: 'int16',
      },
      {
        name: 'flow',
        type: 'Float',
        table: 'holding',
        address: 4,
        encoding: 'float32',
        byteOrder: 'CDAB',
      },
    ])
    expect(meters?.options).toMatchObject({
      transport: 'rtu',
      serialPort: '/dev/ttyUSB0',
      baudRate: 19200,
      parity: 'even',
      stopBits: 1,
    })
    expect(meters?.groups[0]?.intervalMs).toBe(500)
    expect(tagsOf(meters)).toEqual([
      {
        name: 'energy',
        type: 'Double',
        scale: 0.01,
        unitId: 7,
        table: 'input',
        address: 0,
        encoding: 'uint32',
      },
      {
        name: 'serial',
        type: 'String',
        unitId: 7,
        table: 'input',
        address: 10,
        encoding: 'string',
        registers: 8,
      },
    ])
  })

  it('takes OPC UA nodes by the URI of their namespace, with sampling and deadband', async () => {
    const { devices } = await importSample('telegraf', 'telegraf.toml')
    const press = devices[2]
    expect(press?.options).toMatchObject({
      endpoint: 'opc.tcp://10.0.0.6:4840',
      security: 'Basic256Sha256',
      publishingIntervalMs: 100,
      user: { name: 'gateway', password: 'pa\\ss' },
    })
    expect(tagsOf(press)).toEqual([
      { name: 'pressure', type: 'Double', nodeId: 'nsu=urn:acme:press;s=Press.PS1' },
      {
        name: 'line/temp',
        type: 'Double',
        nodeId: 'nsu=urn:acme:press;s=Line1.Temp',
        samplingIntervalMs: 50,
        queueSize: 10,
        deadbandAbsolute: 0.5,
      },
    ])
  })

  it('reports everything it left, with its line', async () => {
    const { report } = await importSample('telegraf', 'telegraf.toml')
    expect(report).toEqual([
      'telegraf.toml:4 "flush_interval" of agent left: ours has no such word',
      'telegraf.toml:6 [outputs] left: where readings go is "cloud" here',
      'telegraf.toml:9 [[inputs.cpu]] left: no driver of ours reads it',
      'telegraf.toml:24 "odd" left: its registers do not follow each other',
      'telegraf.toml:25 "old" left: data type "INT8L" is not known here',
      'telegraf.toml:27 "busy_retries" of inputs.modbus left: ours has no such word',
      'telegraf.toml:47 "tags" of inputs.modbus.request left: ours has no such word',
      'telegraf.toml:50 opc.tcp://10.0.0.6:4840: types of values are not told here, every tag is a Double; `mimamori edge browse` shows the right ones',
      'telegraf.toml:52 list the certificate of the server under "trust": no other is accepted',
      'telegraf.toml:61 "unknown" left: namespace 5 is a number that may change; say which it is with --namespace 5=URI (`mimamori edge browse` shows it)',
      'telegraf.toml: 3 device(s), 7 tag(s) taken; 10 remark(s)',
    ])
  })

  it('asks for the URI of a namespace it only has a number of', async () => {
    const { report } = await importFile('telegraf', join(samples, 'telegraf.toml'), {})
    expect(report).toContain('say which it is with --namespace 2=URI')
    expect(report).toContain(
      'the server opc.tcp://10.0.0.6:4840 left: no node of it could be taken',
    )
  })
})

describe('mimamori edge import thingsboard', () => {
  it('takes the slaves of a Modbus connector and reports its writes', async () => {
    const { devices, report } = await importSample('thingsboard', 'thingsboard-modbus.json')
    expect(devices[0]).toMatchObject({ id: 'Chiller-1' })
    expect(devices[0]?.options).toMatchObject({ host: '10.0.0.5', unit: 3, timeoutMs: 3000 })
    expect(devices[0]?.groups[0]?.intervalMs).toBe(2000)
    const [serial, supply, flow, running] = tagsOf(devices[0]) ?? []
    expect(serial).toMatchObject({ type: 'String', registers: 4, address: 100 })
    expect(supply).toMatchObject({
      type: 'Double',
      scale: 0.1,
      encoding: 'int16',
      byteOrder: 'CDAB',
    })
    expect(flow).toMatchObject({ type: 'Float', table: 'input', byteOrder: 'CDAB' })
    expect(running).toMatchObject({ type: 'Boolean', table: 'coil', address: 3 })
    expect(report).toEqual([
      'thingsboard-modbus.json:36 "raw" left: type "bytes" is not known here',
      'thingsboard-modbus.json:38 "rpc" left: ours has no such word',
      'thingsboard-modbus.json: 1 device(s), 4 tag(s) taken; 2 remark(s)',
    ])
  })

  it('takes the identifiers of an OPC UA connector and leaves paths without namespaces', async () => {
    const { devices, report } = await importSample('thingsboard', 'thingsboard-opcua.json')
    expect(devices[0]?.options).toMatchObject({
      endpoint: 'opc.tcp://10.0.0.6:4840/press',
      user: { name: 'gateway', password: 'secret' },
    })
    expect(devices[0]?.groups[0]).toMatchObject({ intervalMs: 5000, mode: 'poll' })
    expect(tagsOf(devices[0])).toEqual([
      { name: 'Press/pressure', type: 'Double', nodeId: 'nsu=urn:acme:press;s=Press.PS1' },
    ])
    const text = report.join('\n')
    expect(text).toMatch(/:18 "temperature" left: "\$\{Temperature\}" is a path of names/)
    expect(text).toMatch(/:20 "rpc_methods" left/)
  })
})

describe('the TOML reader', () => {
  const read = (text: string) => {
    const { entries } = parseToml(text, 'f.toml')
    return Object.fromEntries([...entries].map(([key, { value }]) => [key, value]))
  }

  it('reads text, numbers, lists over lines and comments', () => {
    const text = `a = "x\\ty" # why
b = 'C:\\dir'
c = [ 1, -2.5, # two
  0x1F, 1_000, ]
d = """
one \\
  two"""
e = true
"f g" = 1e3`
    expect(read(text)).toEqual({
      a: 'x\ty',
      b: 'C:\\dir',
      c: [1, -2.5, 31, 1000],
      d: 'one two',
      e: true,
      'f g': 1000,
    })
  })

  it('puts tables below the last element of a list', () => {
    const root = parseToml('[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = { z = "q" }', 'f.toml')
    const list = root.entries.get('a')?.value
    expect(Array.isArray(list) && list.length).toBe(2)
    const last = Array.isArray(list) ? list[1] : undefined
    expect(isTable(last) && [...last.entries.keys()]).toEqual(['x', 'b'])
  })

  it.each([
    ['a = 2026-11-22', 'f.toml:1 this value is neither'],
    ['a = 1\na = 2', 'f.toml:2 "a" is there twice'],
    ['a = "open', 'f.toml:1 this value is neither'],
    ['\n[a\nb = 1', 'f.toml:2 "]" is missing'],
    ['a = 1 b = 2', 'f.toml:1 the line goes on unexpectedly'],
    ['a = "\\q"', 'f.toml:1 "\\q" is no escape'],
    ['a = 1\n[a]', 'f.toml:2 "a" is no table'],
    ['= 1', 'f.toml:1 a key is missing'],
  ])('refuses %j with its line', (text, said) => {
    const caught = (() => {
      try {
        return parseToml(text, 'f.toml')
      } catch (error) {
        return error
      }
    })()
    expect(isFault(caught, 'config.invalid') && caught.detail.problems).toContain(said)
  })
})
