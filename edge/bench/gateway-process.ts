/** Our real gateway in a process of its own, as `mimamori edge run` starts it, on a configuration made for the run. */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../protocol/kit/fault.ts'
import { credentialFiles } from '../credentials.ts'

export interface GatewayProcess extends AsyncDisposable {
  pid: number
}

const PROGRAM = fileURLToPath(new URL('../../mimamori.ts', import.meta.url))

/** Starts it and waits for its ready line; remote access is off because nothing listens there. */
export async function startGateway(url: string, devices: object[]): Promise<GatewayProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-gateway-'))
  const file = join(folder, 'gateway.yaml')
  await writeCredentials(join(folder, 'credentials'))
  // JSON is YAML.
  await writeFile(file, JSON.stringify(createConfig(url, devices)))
  const args = [PROGRAM, 'edge', 'run', '--config', file]
  const env = { ...process.env, MIMAMORI_LOG: process.env.MIMAMORI_LOG ?? 'error' }
  const child = spawn(process.execPath, [...profileFlags(), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  })
  await readyLine(child)
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** `MIMAMORI_BENCH_PROFILE=folder` leaves a CPU profile of each gateway there. */
function profileFlags(): string[] {
  const folder = process.env.MIMAMORI_BENCH_PROFILE
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}

function createConfig(mqttUrl: string, devices: object[]): object {
  return {
    site: 'bench',
    gateway: 'gw',
    dataDir: 'data',
    cloud: { mqttUrl, tunnelHost: '127.0.0.1', tunnelPort: 1, credentials: 'credentials' },
    local: { port: 0 },
    devices,
  }
}

/** The broker is in the clear and the tunnel meets nobody: the files must exist, they convince no one. */
async function writeCredentials(folder: string): Promise<void> {
  await mkdir(folder)
  const grantKey = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  await writeFile(join(folder, credentialFiles.grantKey), JSON.stringify(grantKey))
  for (const name of [credentialFiles.key, credentialFiles.cert, credentialFiles.ca]) {
    await writeFile(join(folder, name), '')
  }
}

async function readyLine(child: ChildProcess): Promise<void> {
  if (!child.stdout) throw new Fault('bench.failed', { why: 'the gateway has no output' })
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit')])
  if (typeof line === 'string' && line.includes('"ready"')) return
  throw new Fault('bench.failed', { why: `the gateway did not start (${line})` })
}

/** A device of blocks of 125 holding registers; each register is a tag. */
export function createModbusDevice(
  port: number,
  {
    id,
    unit = 1,
    tags,
    intervalMs,
  }: { id: string; unit?: number; tags: number; intervalMs: number },
): object {
  const address = (index: number) => ({ table: 'holding', address: index, type: 'UInt16' })
  return {
    id,
    driver: 'modbus',
    host: '127.0.0.1',
    port,
    unit,
    groups: [
      {
        name: 'all',
        intervalMs,
        tags: Array.from({ length: tags }, (_, index) => ({
          name: `R${index}`,
          ...address(index),
        })),
      },
    ],
  }
}

/** Subscribed tags of the OPC UA load; every change of a value is wanted. */
export function createOpcuaDevice(
  endpoint: string,
  { tags, intervalMs }: { tags: number; intervalMs: number },
): object {
  const nodeId = (index: number) => `nsu=urn:mimamori:bench;s=Load.Tag${index}`
  return {
    id: 'opc',
    driver: 'opcua',
    endpoint,
    security: 'None',
    publishingIntervalMs: intervalMs,
    samplingIntervalMs: 0,
    groups: [
      {
        name: 'all',
        intervalMs,
        mode: 'subscribe',
        tags: Array.from({ length: tags }, (_, index) => ({
          name: `Tag${index}`,
          type: 'Int32',
          nodeId: nodeId(index),
        })),
      },
    ],
  }
}
