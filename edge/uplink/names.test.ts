/** Sparkplug's advice on names, and the hosts and servers of a configuration, held where they are configured. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadGatewayConfig } from '../config.ts'
import { lintGateway } from '../config-schema/lint-gateway.ts'

let file = ''
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'names-')), 'gateway.yaml')
})
afterEach(() => rmSync(join(file, '..'), { recursive: true }))

const device = (id: string, tags: string[], host: string) =>
  `{ id: ${id}, driver: modbus, host: ${host}, groups: [{ name: g, intervalMs: 1000, tags: [${tags
    .map((name, address) => `{ name: ${name}, type: Boolean, table: coil, address: ${address} }`)
    .join(', ')}] }] }`
const load = (devices: string[], cloud = '') => {
  writeFileSync(
    file,
    `site: plant
gateway: gw1
dataDir: data
cloud: { mqttUrl: mqtts://a, tunnelHost: a, tunnelPort: 1, credentials: c${cloud} }
devices: [${devices.join(', ')}]
`,
  )
  return loadGatewayConfig(file)
}

test('tck-id-case-sensitivity-metric-names: two tags of a device must differ by more than case', async () => {
  await expect(load([device('plc', ['Speed', 'speed'], '10.0.0.1')])).rejects.toThrow(
    expect.objectContaining({ code: 'config.invalid' }),
  )
  await expect(load([device('plc', ['Speed', 'speed2'], '10.0.0.1')])).resolves.toBeDefined()
})
test('tck-id-case-sensitivity-sparkplug-ids: devices that differ by case alone are warned of', async () => {
  const config = await load([device('plc', ['A'], '10.0.0.1'), device('PLC', ['A'], '10.0.0.2')])
  expect(lintGateway(config)).toMatchObject([{ path: ['devices', 1, 'id'], isWarning: true }])
})
test('further servers and standby hosts are taken as written, none by default', async () => {
  const devices = [device('plc', ['A'], '10.0.0.1')]
  expect((await load(devices)).cloud).toMatchObject({ otherMqttUrls: [], standbyHosts: [] })
  const lists = ', otherMqttUrls: [mqtts://b, mqtt://c], standbyHosts: [spare]'
  expect((await load(devices, lists)).cloud).toMatchObject({
    ...{ otherMqttUrls: ['mqtts://b', 'mqtt://c'], standbyHosts: ['spare'] },
  })
})
test.each([', standbyHosts: [a/b]', ', primaryHost: "+"', ', otherMqttUrls: [https://b]'])(
  'refused: %s',
  async (cloud) => {
    const devices = [device('plc', ['A'], '10.0.0.1')]
    await expect(load(devices, cloud)).rejects.toThrow(
      expect.objectContaining({ code: 'config.invalid' }),
    )
  },
)
