/** A site's file and policy on a real disk, and devices that only remember what they were told to run. For tests only. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createLog } from '../../protocol/kit/log.ts'
import { loadGatewayConfig } from '../config.ts'
import { credentialFiles } from '../credentials.ts'
import type { DeviceConfig } from '../device-config.ts'
import { hashText } from './devices-text.ts'
import { openRemoteConfig, type RemoteConfig } from './remote-config.ts'

export interface RawTag {
  name: string
  [key: string]: unknown
}
export interface RawDevice {
  id: string
  groups: { name: string; intervalMs: number; tags: RawTag[]; [key: string]: unknown }[]
  [option: string]: unknown
}

const tag = (name: string, address: number, rest: object = {}): RawTag => ({
  ...{ name, type: 'UInt16', table: 'holding', encoding: 'uint16', address },
  ...rest,
})

/** Two Modbus devices and an OPC UA server with a password. */
export function describeSite(): RawDevice[] {
  const write = { min: 5, max: 12, maxPerMinute: 2 }
  return [
    {
      ...{ id: 'chiller', driver: 'modbus', host: '10.0.0.5' },
      groups: [
        {
          ...{ name: 'fast', intervalMs: 1000 },
          tags: [tag('Speed', 1), tag('Setpoint', 2, { write }), tag('Level', 3)],
        },
      ],
    },
    {
      ...{ id: 'lock', driver: 'modbus', host: '10.0.0.6' },
      groups: [
        {
          ...{ name: 'all', intervalMs: 1000 },
          tags: [{ name: 'Key', type: 'Boolean', table: 'coil', address: 0 }],
        },
      ],
    },
    {
      ...{ id: 'press', driver: 'opcua', endpoint: 'opc.tcp://10.0.0.7:4840', security: 'None' },
      user: { name: 'reader', password: 'hunter2' },
      groups: [
        {
          ...{ name: 'all', intervalMs: 1000, mode: 'subscribe' },
          tags: [{ name: 'PS1', type: 'Double', nodeId: 'nsu=urn:acme;s=PS1' }],
        },
      ],
    },
  ]
}

export interface SiteScene extends AsyncDisposable {
  dir: string
  /** As a start of the gateway: whatever ran before is simply gone, as after a power cut. */
  start(): Promise<RemoteConfig>
  writeSite(devices: RawDevice[], remoteConfig?: object): Promise<void>
  /** Ids and intervals of what was applied last. */
  applied(): string[] | undefined
  /** What the link to the cloud is like, and how many of the next applications fail. */
  link: { online: boolean; acknowledged: number; failures: number }
}

const RUNS = (devices: readonly DeviceConfig[]) =>
  devices.map(({ id, groups }) => `${id}@${groups[0]?.intervalMs}`)

export async function openSite(keySwitches: readonly string[] = []): Promise<SiteScene> {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-remote-config-'))
  await mkdir(join(dir, 'c'))
  for (const name of Object.values(credentialFiles)) await writeFile(join(dir, 'c', name), '')
  const file = join(dir, 'gateway.yaml')
  let applied: string[] | undefined
  const link = { online: true, acknowledged: 0, failures: 0 }
  const log = createLog('remote-config')
  log.level = 'silent'
  const scene: SiteScene = {
    dir,
    link,
    applied: () => applied,
    async writeSite(devices, remoteConfig = { allow: true }) {
      const cloud = { mqttUrl: 'mqtt://127.0.0.1:1', tunnelHost: '127.0.0.1', tunnelPort: 1 }
      const rest = { site: 'plant', gateway: 'gw', dataDir: 'data', remoteConfig, devices }
      await writeFile(file, stringify({ ...rest, cloud: { ...cloud, credentials: 'c' } }))
    },
    async start() {
      const config = await loadGatewayConfig(file)
      const remote = await openRemoteConfig({ config, keySwitches, dir: join(dir, 'kept'), log })
      applied = undefined
      remote.use({
        async apply(devices) {
          if (link.failures-- > 0) throw new Error('a driver is missing')
          applied = RUNS(devices)
        },
        isOnline: () => link.online,
        acknowledged: () => link.acknowledged,
      })
      return remote
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
  await scene.writeSite(describeSite())
  return scene
}

/** An offer made against what the gateway has now. */
export function offerOf(remote: RemoteConfig, yaml: string, more: object = {}) {
  const { hash: base } = remote.report()
  return { version: 1, yaml, sha256: hashText(yaml), base, confirmWithinS: 60, ...more }
}
