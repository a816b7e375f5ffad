/** A wrong gateway configuration is refused with every problem, where it is and what to do. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Fault } from '../protocol/kit/fault.ts'
import { loadGatewayConfig } from './config.ts'

const good = `
site: plant
gateway: gw-1
dataDir: ./data
cloud:
  mqttUrl: mqtts://127.0.0.1:8883
  tunnelHost: 127.0.0.1
  tunnelPort: 8884
  credentials: ./credentials
devices:
  - id: chiller
    driver: modbus
    host: 10.0.0.5
    groups:
      - name: fast
        intervalMs: 1000
        tags:
          - { name: Supply, type: Float, unit: °C, table: holding, address: 0, encoding: float32 }
`

async function load(text: string) {
  const file = join(await mkdtemp(join(tmpdir(), 'mimamori-config-')), 'gateway.yaml')
  await writeFile(file, text)
  return await loadGatewayConfig(file)
}

async function problemsOf(text: string): Promise<string[]> {
  try {
    await load(text)
    return []
  } catch (error) {
    if (error instanceof Fault && error.code === 'config.invalid') {
      return String(error.detail.problems).split('\n')
    }
    throw error
  }
}

/** Each row: what is changed in the good file, and what must be said about it. */
const corpus: [name: string, from: string, to: string, said: RegExp][] = [
  [
    'a mistyped key of a tag',
    'unit: °C',
    'unti: °C',
    /^gateway\.yaml:18 devices\[0\]\.groups\[0\]\.tags\[0\]\.unti: unknown key, did you mean "unit"\?$/,
  ],
  [
    'a mistyped key at the top',
    'dataDir: ./data',
    'dataDir: ./data\ndelivry: state',
    /^gateway\.yaml:5 delivry: unknown key, did you mean "delivery"\?$/,
  ],
  [
    'an unknown driver',
    'driver: modbus',
    'driver: modbuss',
    /devices\[0\]\.driver: unknown driver "modbuss", did you mean "modbus"\?/,
  ],
  ['a missing driver', '    driver: modbus\n', '', /"driver" is missing; known are/],
  [
    'a site that is no topic part',
    'site: plant',
    'site: a/b',
    /^gateway\.yaml:2 site: must match pattern/,
  ],
  ['an interval of nothing', 'intervalMs: 1000', 'intervalMs: 0', /intervalMs: must be >= 50/],
  [
    'a port out of range',
    'tunnelPort: 8884',
    'tunnelPort: 70000',
    /cloud\.tunnelPort: must be <= 65535/,
  ],
  ['a type that does not exist', 'type: Float', 'type: Flaot', /type: must be one of "Int8"/],
  ['an address without a table', 'table: holding, address', 'address', /tags\[0\].*table/],
  ['a missing address', ', address: 0', '', /tags\[0\].*address/],
  [
    'a subscription a driver cannot do',
    'intervalMs: 1000',
    'intervalMs: 1000\n        mode: subscribe',
    /groups\[0\]\.mode: a modbus device cannot be subscribed to/,
  ],
  [
    'no tags',
    '          - { name: Supply, type: Float, unit: °C, table: holding, address: 0, encoding: float32 }',
    '          []',
    /groups\[0\]\.tags: must not have fewer than 1 items/,
  ],
  [
    'a wrong URL',
    'mqtts://127.0.0.1:8883',
    'http://127.0.0.1',
    /cloud\.mqttUrl: must match pattern/,
  ],
]

describe('loadGatewayConfig', () => {
  it('reads a right file and makes tags of it', async () => {
    const config = await load(good)
    expect(config.devices[0]?.groups[0]?.tags[0]?.tag).toMatchObject({
      id: 'plant/gw-1/chiller/Supply',
      unit: '°C',
      address: { table: 'holding', address: 0, encoding: 'float32' },
    })
    expect(config.devices[0]?.options).toMatchObject({ host: '10.0.0.5', port: 502 })
    expect(config.local.port).toBe(8090)
  })

  it('takes sampling and queue of an OPC UA group for its tags, but for what a tag says itself', async () => {
    const press = `
  - id: press
    driver: opcua
    endpoint: opc.tcp://10.0.0.6:4840
    groups:
      - name: fast
        intervalMs: 1000
        mode: subscribe
        samplingIntervalMs: 20
        queueSize: 50
        tags:
          - { name: PS1, type: Double, nodeId: i=1 }
          - { name: PS2, type: Double, nodeId: i=2, queueSize: 5 }
`
    const config = await load(good + press)
    const tags = config.devices[1]?.groups[0]?.tags.map(({ tag }) => tag.address)
    expect(tags).toEqual([
      { nodeId: 'i=1', samplingIntervalMs: 20, queueSize: 50 },
      { nodeId: 'i=2', samplingIntervalMs: 20, queueSize: 5 },
    ])
    const modbus = good.replace('intervalMs: 1000', 'intervalMs: 1000\n        queueSize: 5')
    expect((await problemsOf(modbus)).join('\n')).toMatch(/queueSize: unknown key/)
  })

  it.each(corpus)('refuses %s', async (_, from, to, said) => {
    expect(good).toContain(from)
    const problems = await problemsOf(good.replace(from, to))
    expect(problems.join('\n')).toMatch(new RegExp(said.source, 'm'))
  })

  it('reports problems of several places at once', async () => {
    const text = good.replace('unit: °C', 'unti: °C').replace('tunnelPort: 8884', 'tunnelPort: 0')
    expect((await problemsOf(text)).length).toBe(2)
  })

  it('refuses two devices of one id and two tags that differ by case alone', async () => {
    const twin = good.slice(good.indexOf('  - id: chiller'))
    expect((await problemsOf(good + twin)).join('\n')).toMatch(
      /devices\[1\]\.id: devices\[0\] has this id too/,
    )
    const tag =
      '          - { name: SUPPLY, type: Float, table: holding, address: 4, encoding: float32 }\n'
    expect((await problemsOf(good + tag)).join('\n')).toMatch(
      /tags\[1\]\.name: groups\[0\]\.tags\[0\] has this name too/,
    )
  })
})
