/** The gateway: wires outbox, uplink, tunnel, local page and links; sinks first, sources last, so that disposal is the shutdown. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createLog, type Log } from '../protocol/kit/log.ts'
import { runUntilDisposed, untilAborted } from '../protocol/kit/loop.ts'
import { namePort } from '../protocol/kit/name-port.ts'
import { createLinkCounters, type LinkCounters } from './acquisition/counters.ts'
import { type LinkState, runLink } from './acquisition/link.ts'
import { createBatcher } from './batcher.ts'
import { type GatewayConfig, loadGatewayConfig, loadPolicy } from './config.ts'
import { openCounterStage } from './counters/counter-stage.ts'
import { type GatewayCredentials, readCredentials } from './credentials.ts'
import { type DeviceConfig, publishingMs, tagsOf } from './device-config.ts'
import type { Connection } from './drivers/driver.ts'
import { loadDriver } from './drivers/registry.ts'
import { type LocalPage, openLocalPage } from './local/page.ts'
import { createGatewayMetrics } from './metrics.ts'
import { type Outbox, openOutbox } from './outbox/outbox.ts'
import { createDecisionList, createNumbers, type Parts, readStatus } from './status.ts'
import { createTagCache, type TagCache, unknownSamples } from './tag-cache.ts'
import { runTunnel, type TunnelState } from './tunnel/agent.ts'
import { openDialer } from './tunnel/dialer.ts'
import { type Policy, summaries } from './tunnel/policy.ts'
import { openUplink, type Uplink } from './uplink/uplink.ts'
import { createAuditFile } from './writing/audit-file.ts'
import { createWriteDesk } from './writing/write-desk.ts'

/** Readings are on disk a fifth of a second after they were taken. */
const FLUSH_MS = 200
/** What arrived may wait for two flushes and a busy moment before it is on disk. */
const COVERAGE_LAG_MS = 1250
const SOFTWARE = 'Mimamori 0.1.0'
/** While this file exists remote access stays cut, over restarts too; it holds the reason. */
const CUT_FILE = 'remote-access-cut.txt'

export interface Gateway extends AsyncDisposable {
  readonly config: GatewayConfig
  readonly localPort: number
  readonly outbox: Outbox
  readonly tags: TagCache
  readonly uplink: Uplink
}

/** `mimamori edge run`: until the signal aborts. Prints one JSON line when everything is open. */
export async function runGateway(file: string, signal: AbortSignal): Promise<void> {
  await using gateway = await openGateway(await loadGatewayConfig(file))
  const { config, localPort } = gateway
  console.log(JSON.stringify({ ready: true, name: config.gateway, localPort }))
  await untilAborted(signal)
}

interface Wiring {
  config: GatewayConfig
  credentials: GatewayCredentials
  policy: Policy
  dataDir: string
  log: Log
}

/** Opens all of it; disposing it stops acquisition first and closes the outbox last. */
export async function openGateway(config: GatewayConfig): Promise<Gateway> {
  const dataDir = resolve(config.baseDir, config.dataDir)
  const credentials = await readCredentials(resolve(config.baseDir, config.cloud.credentials))
  const policy = await loadPolicy(config)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const wiring: Wiring = { config, credentials, policy, dataDir, log: createLog(config.gateway) }

  await using stack = new AsyncDisposableStack()
  const startedAt = Date.now()
  const outbox = stack.use(wireOutbox(wiring))
  const devices = config.devices.map((device) => ({ id: device.id, tags: tagsOf(device) }))
  const tags = createTagCache(devices, Date.now())
  const audit = createAuditFile(join(dataDir, 'writes.ndjson'))
  const desk = stack.use(createWriteDesk({ devices: config.devices, audit, log: wiring.log }))
  const uplink = stack.use(wireUplink(wiring, { outbox, tags, desk }))
  const batcher = createBatcher({
    flushMs: FLUSH_MS,
    append: (samples, gaps) => outbox.append({ samples, gaps }),
    publish: (number, samples, gaps) => uplink.publish(number, samples, gaps),
    heartbeat: (at) => outbox.heartbeat(at),
    gateway: config.gateway,
    log: wiring.log,
  })
  // Told before anything waits: dead time ends where these marks begin, and they end with the first answer.
  const unknown = unknownSamples(config.devices.flatMap(tagsOf), startedAt)
  tags.keep(unknown)
  batcher.add(unknown)
  stack.use(runUntilDisposed((signal) => batcher.run(signal)))
  const decisions = createDecisionList(wiring.log)
  const dialer = stack.use(await wireDialer(wiring, tags, decisions.add))
  const tunnel = stack.use(wireTunnel(wiring, dialer))
  const links = new Map<string, LinkCounters>()
  const parts: Parts = {
    startedAt,
    config,
    policy,
    outbox,
    tags,
    uplink,
    batcher,
    dialer,
    tunnel,
    links,
    decisions,
    desk,
  }
  const page = stack.use(await wirePage(parts, wiring))
  for (const device of config.devices)
    stack.use(await wireLink(device, parts, { ...wiring, links }))
  const running = stack.move()
  return {
    config,
    localPort: page.port,
    outbox,
    tags,
    uplink,
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  }
}

function wireOutbox({ config, dataDir }: Wiring): Outbox {
  return openOutbox({
    file: join(dataDir, 'outbox.sqlite'),
    maxBytes: config.outbox.maxBytes,
    maxAgeMs: config.outbox.maxAgeHours * 3_600_000,
    gateway: config.gateway,
    coverageLagMs: COVERAGE_LAG_MS + Math.max(...config.devices.map(publishingMs)),
  })
}

function wireUplink(
  { config, credentials, policy, log }: Wiring,
  { outbox, tags, desk }: Pick<Parts, 'outbox' | 'tags' | 'desk'>,
): Uplink {
  const { key, cert, ca } = credentials
  const isEncrypted = config.cloud.mqttUrl.startsWith('mqtts:')
  return openUplink({
    url: config.cloud.mqttUrl,
    tls: isEncrypted ? { key, cert, ca, servername: config.cloud.serverName } : undefined,
    site: config.site,
    gateway: config.gateway,
    clientId: `${config.site}/${config.gateway}`,
    devices: () => tags.devices().map((device) => ({ ...device, latest: tags.latest })),
    targets: summaries(policy),
    software: SOFTWARE,
    outbox,
    onCommand: (order) => void desk.order(order),
    primaryHost: config.cloud.primaryHost,
    delivery: config.delivery,
    log,
  })
}

async function wireDialer(
  { config, credentials, policy, dataDir, log }: Wiring,
  tags: TagCache,
  onDecision: Parts['decisions']['add'],
): ReturnType<typeof openDialer> {
  return await openDialer({
    site: config.site,
    gateway: config.gateway,
    timeZone: config.timeZone,
    grantKey: credentials.grantKey,
    policy,
    ownPorts: () => [config.local.port],
    readTag: tags.latest,
    onDecision,
    log,
    memoryFile: join(dataDir, 'grants.json'),
    killed: await readFile(join(dataDir, CUT_FILE), 'utf8').catch(() => undefined),
  })
}

function wireTunnel(
  { config, credentials, log }: Wiring,
  dialer: Parts['dialer'],
): AsyncDisposable & { state(): TunnelState } {
  let state: TunnelState = { up: false, at: Date.now() }
  const { key, cert, ca } = credentials
  const { tunnelHost: host, tunnelPort: port, serverName: servername } = config.cloud
  const onState = (next: TunnelState): void => {
    state = next
  }
  const running = runUntilDisposed((signal) =>
    runTunnel({ host, port, tls: { key, cert, ca, servername }, dialer, log, onState }, signal),
  )
  return { state: () => state, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

async function wirePage(parts: Parts, { config, dataDir, log }: Wiring): Promise<LocalPage> {
  const file = join(dataDir, CUT_FILE)
  return await namePort(
    openLocalPage({
      ...config.local,
      status: () => readStatus(parts),
      async cut(reason) {
        parts.dialer.kill(reason)
        log.warn({ reason }, 'remote access cut at the site')
        await writeFile(file, reason)
      },
      async restore() {
        await rm(file, { force: true })
        parts.dialer.restore()
        log.warn('remote access allowed again at the site')
      },
      metrics: createGatewayMetrics(createNumbers(parts)),
      log,
    }),
    'local.port in the configuration',
  )
}

async function wireLink(
  device: DeviceConfig,
  { tags, uplink, batcher, startedAt, desk }: Parts,
  { config, dataDir, log, links }: Wiring & { links: Map<string, LinkCounters> },
): Promise<AsyncDisposable> {
  const module = await loadDriver(device.driver)
  const stateDir = join(dataDir, 'devices', device.id)
  const driver = module.createDriver(device.options, {
    device: device.id,
    stateDir,
    baseDir: config.baseDir,
    notice: (say) => log.warn({ device: device.id }, say),
  })
  const counters = createLinkCounters()
  links.set(device.id, counters)
  const counting = openCounterStage(device.counters, { dir: stateDir, log })
  const emit = (read: Parameters<typeof batcher.add>[0]): void => {
    const samples = counting.extend(read)
    tags.keep(samples)
    batcher.add(samples)
  }
  const onState = ({ state, at, sentence }: LinkState): void => {
    log.info({ device: device.id, sentence }, `device ${state}`)
    tags.setState(device.id, { online: state === 'online', since: at, sentence })
    uplink.deviceChanged(device.id)
  }
  const about = { device: device.id, driver, groups: device.groups, unknownSince: startedAt }
  const onConnection = (open: Connection | undefined) => desk.setConnection(device.id, open)
  const link = { ...about, onState, onConnection, counters }
  return runUntilDisposed(async (signal) => {
    using _ = counting
    await runLink({ ...link, emit: (_, samples) => emit(samples) }, signal)
  })
}
