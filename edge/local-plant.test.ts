/** A whole gateway without a cloud: its page shows, acts, keeps and remembers. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { createModbusMemory, openModbusServer } from '../simulators/kit/modbus-server.ts'
import { loadGatewayConfig } from './config.ts'
import { credentialFiles } from './credentials.ts'
import type { GatewayStatus } from './local/plant.ts'
import { openGateway } from './main.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})

async function openFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-plant-'))
  cleanup.push(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))
  const memory = createModbusMemory({ holding: [[0, 4]] })
  memory.setUint16('holding', 0, 4711)
  const server = await openModbusServer({ units: { 1: memory } })
  cleanup.push(() => server[Symbol.asyncDispose]())
  await mkdir(join(dir, 'c'))
  for (const name of Object.values(credentialFiles)) await writeFile(join(dir, 'c', name), '')
  const { publicKey } = generateKeyPairSync('ed25519')
  const key = JSON.stringify(publicKey.export({ format: 'jwk' }))
  await writeFile(join(dir, 'c', credentialFiles.grantKey), key)
  const target = { id: 'hmi', kind: 'web', title: 'Press panel', host: '10.0.0.1', port: 80 }
  const targets = [{ ...target, consent: 'local', rights: ['view'] }]
  await writeFile(join(dir, 'policy.yaml'), JSON.stringify({ targets }))
  const group = { name: 'all', intervalMs: 100 }
  const tag = { name: 'Speed', type: 'UInt16', unit: 'rpm', table: 'holding', address: 0 }
  const device = { id: 'plc', driver: 'modbus', host: '127.0.0.1', port: server.port }
  const config = {
    ...{ site: 'plant', gateway: 'gw1', dataDir: 'data', policy: 'policy.yaml' },
    // Nobody listens there: the cloud is gone.
    cloud: {
      mqttUrl: 'mqtt://127.0.0.1:1',
      tunnelHost: '127.0.0.1',
      tunnelPort: 1,
      credentials: 'c',
    },
    local: { port: 0 },
    devices: [{ ...device, groups: [{ ...group, tags: [{ ...tag, encoding: 'uint16' }] }] }],
  }
  const file = join(dir, 'gateway.yaml')
  await writeFile(file, JSON.stringify(config))
  return { dir, file }
}

async function start(file: string) {
  const gateway = await openGateway(await loadGatewayConfig(file))
  const base = `http://127.0.0.1:${gateway.localPort}`
  return {
    stop: () => gateway[Symbol.asyncDispose](),
    read: async (path: string) => await (await fetch(base + path)).text(),
    status: async () => (await (await fetch(`${base}/status`)).json()) as GatewayStatus,
    /** As a program at this machine, which needs no token. */
    async act(path: string, fields: Record<string, string>) {
      const answer = await fetch(base + path, { method: 'POST', body: new URLSearchParams(fields) })
      return new URL(answer.url).searchParams.get('said')
    },
  }
}

it('shows live tags and metrics with the cloud gone; a cut outlives a restart; every act is on record', async () => {
  const { dir, file } = await openFolder()
  const first = await start(file)
  const isLive = async () => (await first.read('/tags')).includes('4711')
  await expect.poll(isLive, { timeout: 45_000 }).toBe(true)
  expect(await first.read('/')).toContain('not connected')
  expect(await first.read('/access')).toContain('Press panel')
  const counted = async () =>
    /gw_samples_total\{result="good"\} [1-9]/.test(await first.read('/metrics'))
  await expect.poll(counted, { timeout: 45_000 }).toBe(true)
  const metrics = await first.read('/metrics')
  expect(metrics).toMatch(/gw_driver_requests_total\{device="plc"\} [1-9]/)
  expect(metrics).toMatch(/gw_poll_duration_seconds_count\{driver="modbus"\} [1-9]/)

  expect(await first.act('/remote-access/cut', { reason: 'maintenance' })).toBe('done')
  expect(await first.act('/access/answer', { session: 'ses_1', verdict: 'yes' })).toBe('late')
  expect(await first.act('/access/end', { session: 'ses_1' })).toBe('late')
  const nothing = { device: '../..', sha256: 'x', verdict: 'trust' }
  expect(await first.act('/certificates', nothing)).toBe('late')
  expect(await first.read('/events')).toContain('cut remote access (maintenance)')
  await first.stop()

  const second = await start(file)
  expect((await second.status()).remoteAccess).toMatchObject({ cut: true, reason: 'maintenance' })
  expect(await second.read('/metrics')).toContain('gw_tunnel_cut 1')
  expect(await second.act('/remote-access/restore', {})).toBe('done')
  expect((await second.status()).remoteAccess.cut).toBe(false)
  await second.stop()
  const lines = (await readFile(join(dir, 'data', 'local-audit.ndjson'), 'utf8')).trim().split('\n')
  expect(lines.map((line) => `${JSON.parse(line).act} ${JSON.parse(line).outcome}`)).toEqual([
    'cut done',
    'allow-session asked',
    'allow-session late',
    'end-session late',
    'trust-certificate asked',
    'trust-certificate late',
    'restore asked',
    'restore done',
  ])
})

it('a cut that the disk does not take is in force all the same, and kept as soon as it does; one that cannot be read is a cut', async () => {
  const { dir, file } = await openFolder()
  const first = await start(file)
  // A folder in the place of the file: whoever writes or reads is refused.
  const place = join(dir, 'data', 'remote-access-cut.txt')
  await mkdir(place)
  expect(await first.act('/remote-access/cut', { reason: 'fire drill' })).toBe('done')
  expect(await first.read('/metrics')).toContain('gw_tunnel_cut 1')
  await first.stop()
  const second = await start(file)
  expect(await second.read('/metrics')).toContain('gw_tunnel_cut 1')
  expect(await second.act('/remote-access/cut', { reason: 'fire drill' })).toBe('done')
  await rm(place, { recursive: true })
  const kept = () => readFile(place, 'utf8').catch(() => undefined)
  await expect.poll(kept, { timeout: 45_000 }).toBe('fire drill')
  expect(await second.act('/remote-access/restore', {})).toBe('done')
  expect(await kept()).toBeUndefined()
  await second.stop()
})
