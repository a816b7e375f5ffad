/** The gateway: wires outbox, uplink, tunnel, local page and links; sinks first, sources last, so that disposal is the shutdown. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createLog } from '../protocol/kit/log.ts'
import { runUntilDisposed, untilAborted } from '../protocol/kit/loop.ts'
import { type Batcher, createBatcher, FLUSH_MS } from './batcher.ts'
import { type GatewayConfig, loadPolicy } from './config.ts'
import { loadCheckedGateway } from './config-schema/check.ts'
import { publishingMs } from './device-config.ts'
import { createDeviceLinks } from './device-links.ts'
import { openEventWatch } from './event-watch.ts'
import { type WatchedGaps, watchGaps } from './gap-watch.ts'
import { createGatewayClock } from './gateway-clock.ts'
import { settleStart } from './lean-start.ts'
import { openPlantPage } from './local-plant.ts'
import { type EnduringOutbox, openEnduringOutbox } from './outbox/enduring-outbox.ts'
import { openRemoteConfig, type RemoteConfig } from './remote-config/remote-config.ts'
import { openWallet } from './renewal/wallet.ts'
import { tallyResults } from './result-tally.ts'
import { createDecisionList, type Parts } from './status.ts'
import { createTagCache, type TagCache } from './tag-cache.ts'
import { openTrustWatch } from './trust-watch.ts'
import { createNewsDesk } from './tunnel/news.ts'
import { summaries } from './tunnel/policy.ts'
import { openUplink, type Uplink } from './uplink/uplink.ts'
import { doorsOf, showAt, type TunnelWiring, wireDialer, wireTunnel } from './wire-tunnel.ts'
import { createAuditFile } from './writing/audit-file.ts'
import { createWriteDesk } from './writing/write-desk.ts'

/** What arrived may wait for a flush on a slow disk, its commit and a busy moment. */
const COVERAGE_LAG_MS = 2500
const SOFTWARE = 'Mimamori 0.1.0'

export interface Gateway extends AsyncDisposable {
  readonly config: GatewayConfig
  readonly localPort: number
  readonly outbox: EnduringOutbox & WatchedGaps
  readonly tags: TagCache
  readonly uplink: Uplink
}

/** `mimamori edge run`: until the signal aborts. Prints one JSON line when everything is open. */
export async function runGateway(file: string, signal: AbortSignal): Promise<void> {
  const { config: checked, warnings } = await loadCheckedGateway(file)
  const log = createLog(checked.gateway)
  for (const warning of warnings) log.warn({ warning }, 'the configuration could be better')
  await using gateway = await openGateway(checked)
  const { config, localPort } = gateway
  console.log(JSON.stringify({ ready: true, name: config.gateway, localPort }))
  settleStart()
  await untilAborted(signal)
}

/** What all parts need, and which devices to start with; nothing is open yet. */
async function prepare(
  site: GatewayConfig,
): Promise<{ wiring: TunnelWiring; remote: RemoteConfig }> {
  const dataDir = resolve(site.baseDir, site.dataDir)
  const policy = await loadPolicy(site)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const enrolledDir = resolve(site.baseDir, site.cloud.credentials)
  const ownDir = join(dataDir, 'renewed')
  const wallet = await openWallet({ enrolledDir, ownDir, doors: doorsOf(site) })
  const log = createLog(site.gateway)
  if (!wallet.lifeOf(wallet.newest())) {
    const help = 'run `mimamori enrol` at the cloud and carry the folder here'
    log.error({ folder: enrolledDir, help }, 'our certificate cannot be read: no cloud until then')
  }
  const keySwitches = policy.targets.flatMap(({ keySwitch = [] }) => keySwitch)
  const dir = join(dataDir, 'remote-config')
  const remote = await openRemoteConfig({ config: site, keySwitches, dir, log })
  const clock = createGatewayClock()
  const shared = { wallet, policy, dataDir, clock, log, news: createNewsDesk() }
  return { wiring: { config: remote.config, ...shared }, remote }
}

/** Opens all of it; disposing it stops acquisition first and closes the outbox last. */
export async function openGateway(site: GatewayConfig): Promise<Gateway> {
  const { wiring, remote } = await prepare(site)
  const { config, policy, dataDir, clock, log } = wiring
  await using stack = new AsyncDisposableStack()
  const startedAt = clock.now()
  const outbox = stack.use(wireOutbox(wiring))
  const tags = createTagCache()
  const audit = createAuditFile(join(dataDir, 'writes.ndjson'))
  const desk = stack.use(createWriteDesk({ devices: config.devices, audit, log: wiring.log }))
  const uplink = stack.use(wireUplink(wiring, { outbox, tags, desk }))
  const batcher = wireBatcher(wiring, { outbox, uplink })
  // Told before anything waits: dead time ends where these marks begin, and they end with the first answer.
  const { baseDir } = config
  const results = tallyResults(batcher)
  const places = { dataDir, baseDir }
  const links = createDeviceLinks({ ...places, tags, batcher: results, uplink, desk, clock, log })
  links.announce(config.devices, startedAt)
  stack.use(runUntilDisposed((signal) => batcher.run(signal)))
  const decisions = createDecisionList(wiring.log)
  const dialer = stack.use(await wireDialer(wiring, tags, decisions.add))
  const tunnel = stack.use(wireTunnel(wiring, { dialer, uplink, remote }))
  const parts: Parts = {
    clock,
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
    remote,
    decisions,
    results,
    wallet: wiring.wallet,
    desk,
    log,
  }
  const events = stack.use(openEventWatch(parts))
  const page = stack.use(await openPlantPage({ ...parts, events, dataDir }))
  stack.use(links)
  await links.apply(config.devices)
  stack.use(openTrustWatch({ ...parts, dataDir }))
  stack.use(remote)
  remote.use({
    apply: (next) => links.apply(next),
    isOnline: () => uplink.state().connected,
    acknowledged: () => uplink.state().acknowledgedBatches,
  })
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

function wireOutbox({ config, dataDir, clock, log }: TunnelWiring): EnduringOutbox & WatchedGaps {
  const outbox = openEnduringOutbox({
    file: join(dataDir, 'outbox.sqlite'),
    maxBytes: config.outbox.maxBytes,
    maxAgeMs: config.outbox.maxAgeHours * 3_600_000,
    gateway: config.gateway,
    coverageLagMs: COVERAGE_LAG_MS + Math.max(...config.devices.map(publishingMs)),
    now: clock.now,
    isClockSet: clock.isSet,
    notice: (say) => log.warn(say),
    onDisk(refusal) {
      if (refusal === undefined) log.info('the disk takes readings again')
      else log.error({ refusal }, 'the disk refuses readings; they wait in memory')
    },
  })
  return watchGaps(outbox)
}

function wireBatcher(
  { config, clock }: TunnelWiring,
  { outbox, uplink }: Pick<Parts, 'outbox' | 'uplink'>,
): Batcher {
  return createBatcher({
    flushMs: FLUSH_MS,
    append: (samples, gaps) => outbox.append({ samples, gaps }),
    publish: (number, samples, gaps) => uplink.publish(number, samples, gaps),
    heartbeat: (at) => outbox.heartbeat(at),
    gateway: config.gateway,
    clock,
  })
}

function wireUplink(
  wiring: TunnelWiring,
  { outbox, tags, desk }: Pick<Parts, 'outbox' | 'tags' | 'desk'>,
): Uplink {
  const { config, policy, dataDir, clock, log } = wiring
  return openUplink({
    url: config.cloud.mqttUrl,
    otherUrls: config.cloud.otherMqttUrls,
    tls: showAt('broker', wiring),
    site: config.site,
    gateway: config.gateway,
    clientId: `${config.site}/${config.gateway}`,
    devices: () => tags.devices().map((device) => ({ ...device, latest: tags.latest })),
    targets: summaries(policy),
    software: SOFTWARE,
    outbox,
    onCommand: (order) => void desk.order(order),
    primaryHost: config.cloud.primaryHost,
    standbyHosts: config.cloud.standbyHosts,
    birthSequenceFile: join(dataDir, 'birth-sequence.txt'),
    delivery: config.delivery,
    now: clock.now,
    onHostTime: clock.hear,
    log,
  })
}
