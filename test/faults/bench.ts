/** The bench of a fault: counting device, gateway, broker and host, each real, the gateway's line through the fault proxy. */
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { writeGatewayCredentials } from '../../cloud/enrol.ts'
import { checkPortFree, findFreePorts } from '../../demo/ports.ts'
import type { GatewayStatus } from '../../edge/local/plant.ts'
import { type CountingPlc, describePlc, openCountingPlc, TWIN_FIRST } from './counting-plc.ts'
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts'
import { openStore, type Store } from './judge.ts'
import { createMosquitto, createPart, type Part } from './processes.ts'
import { until } from './until.ts'

process.env.MIMAMORI_LOG ??= 'silent'

const program = resolve(import.meta.dirname, '../../mimamori.ts')
const hostProgram = join(import.meta.dirname, 'host-process.ts')
const place = { site: 'plant', gateway: 'gw1' }
/** A host whose broker died tries again within a minute, and so does a gateway. */
const NORMAL_MS = 150_000

export interface BenchOptions {
  /** Beside, or instead of, the counting device. */
  devices?(plc: CountingPlc): object[]
  /** Where the gateway keeps its outbox; default: a folder of the bench. */
  dataDir?: string
  outbox?: { maxBytes?: number; maxAgeHours?: number }
  brokerConfig?: readonly string[]
  /** Environment of the gateway and of the host. */
  gatewayEnv?: Readonly<Record<string, string>>
  hostEnv?: Readonly<Record<string, string>>
  /** The gateway is not started. */
  isGatewayLate?: boolean
}

export interface Bench extends AsyncDisposable {
  readonly dir: string
  readonly dataDir: string
  readonly configFile: string
  readonly plc: CountingPlc
  readonly proxy: FaultProxy
  readonly broker: Part
  readonly host: Part
  readonly gateway: Part
  readonly store: Store
  /** Of the gateway's own page; another one after each start. */
  localUrl(): string
  /** Undefined while the gateway does not answer. */
  status(): Promise<GatewayStatus | undefined>
  /** One number of the gateway's /metrics. */
  metric(name: string): Promise<number>
  /** Integers told after now reach the store. */
  flows(what: string): Promise<void>
  /** Seconds from `endedAt` until fresh readings are stored and the outbox holds nothing from before. */
  normal(endedAt: number): Promise<number>
  /** Starts the (killed) host again, with another environment. */
  restartHost(env: Readonly<Record<string, string>>): Promise<void>
  /** A second gateway of the same name, with its own folder and its own counting device. */
  createTwin(): Promise<Twin>
}

export interface Twin {
  readonly dataDir: string
  readonly gateway: Part
  readonly plc: CountingPlc
  status(): Promise<GatewayStatus | undefined>
}

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'mimamori-fault-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const port = await findQuietPort()
  const [deadPort = 0] = await findFreePorts(1)
  await writeGatewayCredentials(join(dir, 'pki'), place, join(dir, 'credentials'))
  const plc = stack.use(await openCountingPlc())
  const broker = stack.use(await createMosquitto({ dir, port, config: options.brokerConfig }))
  await broker.start()
  const proxy = stack.use(await openFaultProxy(port))
  const url = `mqtt://127.0.0.1:${proxy.port}`
  const dataDir = options.dataDir ?? join(dir, 'gateway')
  const describe = { dir, url, deadPort, devices: options.devices?.(plc) ?? [describePlc(plc)] }
  const outbox = options.outbox ?? {}
  const configFile = await writeConfig('gateway', { ...describe, dataDir, outbox })
  const storeFile = join(dir, 'store.db')
  const hostEnv: Record<string, string> = { ...options.hostEnv }
  const host = stack.use(createHost([`mqtt://127.0.0.1:${port}`, storeFile], hostEnv))
  await host.start()
  const gateway = stack.use(createGateway(configFile, options.gatewayEnv))
  if (!options.isGatewayLate) await gateway.start()
  const store = openStore(storeFile)
  const running = stack.move()
  const bench: Bench = {
    ...{ dir, dataDir, configFile, plc, proxy, broker, host, gateway, store },
    localUrl: () => localUrlOf(gateway),
    status: () => readStatus(gateway),
    async metric(name) {
      const text = await (await fetch(`${bench.localUrl()}/metrics`)).text()
      return Number(
        new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN,
      )
    },
    async flows(what) {
      const target = plc.last() + 5
      await until(`data flows ${what}`, () => store.last() >= target, NORMAL_MS)
    },
    normal: (endedAt) => waitNormal(bench, endedAt),
    async restartHost(env) {
      for (const name of Object.keys(hostEnv)) delete hostEnv[name]
      Object.assign(hostEnv, env)
      await host.start()
    },
    async createTwin() {
      const own = running.use(await openCountingPlc(TWIN_FIRST))
      const devices = [describePlc(own)]
      const folders = { dataDir: join(dir, 'twin'), outbox, devices }
      const twin = running.use(
        createGateway(await writeConfig('twin', { ...describe, ...folders })),
      )
      return { dataDir: folders.dataDir, gateway: twin, plc: own, status: () => readStatus(twin) }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
  return bench
}

async function readStatus(gateway: Part): Promise<GatewayStatus | undefined> {
  const signal = AbortSignal.timeout(20_000)
  const reply = await fetch(`${localUrlOf(gateway)}/status`, { signal }).catch(() => null)
  return reply ? ((await reply.json()) as GatewayStatus) : undefined
}

/** Where the newest start of the gateway listens, by its own word. */
function localUrlOf(gateway: Part): string {
  const port = [...gateway.output().matchAll(/"localPort":(\d+)/g)].at(-1)?.[1]
  return `http://127.0.0.1:${port ?? 1}`
}

/** Below the ports that systems give to outgoing connections: it must be free again after each restart. */
export async function findQuietPort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000)
    const isFree = await checkPortFree(port, '').then(
      () => true,
      () => false,
    )
    if (isFree) return port
  }
}

interface ConfigParts {
  dir: string
  url: string
  deadPort: number
  devices: object[]
  dataDir: string
  outbox: object
}

async function writeConfig(name: string, parts: ConfigParts): Promise<string> {
  const { dir, url, deadPort, devices, dataDir, outbox } = parts
  await mkdir(dataDir, { recursive: true })
  const file = join(dir, `${name}.yaml`)
  const tunnel = { tunnelHost: '127.0.0.1', tunnelPort: deadPort }
  const cloud = { mqttUrl: url, ...tunnel, credentials: join(dir, 'credentials') }
  const local = { host: '127.0.0.1', port: 0 }
  await writeFile(file, stringify({ ...place, dataDir, cloud, outbox, local, devices }))
  return file
}

function createGateway(configFile: string, env: Readonly<Record<string, string>> = {}): Part {
  return createPart({
    command: process.execPath,
    args: [program, 'edge', 'run', '--config', configFile],
    env,
    async ready(part) {
      const from = part.output().length
      const isReady = () => part.output().slice(from).includes('"ready":true')
      await until('the gateway is ready', () => {
        if (part.pid() === undefined) throw new Error(`the gateway ended: ${part.output().trim()}`)
        return isReady()
      })
    },
  })
}

function createHost(args: readonly string[], env: Readonly<Record<string, string>> = {}): Part {
  const ready = async () => undefined
  return createPart({ command: process.execPath, args: [hostProgram, ...args], env, ready })
}

async function waitNormal(bench: Bench, endedAt: number): Promise<number> {
  const target = bench.plc.last() + 1
  const isNormal = async () => {
    if (bench.store.last() < target) return false
    const oldestAt = (await bench.status())?.outbox.oldestAt
    return oldestAt === undefined || oldestAt > endedAt
  }
  await until('normal again', isNormal, NORMAL_MS)
  return (Date.now() - endedAt) / 1000
}
