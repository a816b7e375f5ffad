/** What the local page shows and Prometheus asks, gathered from the parts at the moment of asking. */
import type { Log } from '../protocol/kit/log.ts'
import type { Batcher } from './batcher.ts'
import type { GatewayConfig } from './config.ts'
import { expiriesOf } from './credentials.ts'
import type { DeviceLinks } from './device-links.ts'
import type { WatchedGaps } from './gap-watch.ts'
import type { GatewayClock } from './gateway-clock.ts'
import type { GatewayStatus } from './local/plant.ts'
import type { GatewayNumbers } from './metrics.ts'
import type { EnduringOutbox } from './outbox/enduring-outbox.ts'
import type { RemoteConfig } from './remote-config/remote-config.ts'
import type { Renewal } from './renewal/renewal.ts'
import type { Wallet } from './renewal/wallet.ts'
import type { ResultTally } from './result-tally.ts'
import type { DeviceNow, TagCache } from './tag-cache.ts'
import type { TunnelState } from './tunnel/agent.ts'
import type { Decision, Dialer } from './tunnel/dialer.ts'
import type { Policy } from './tunnel/policy.ts'
import type { Uplink } from './uplink/uplink.ts'
import type { WriteDesk } from './writing/write-desk.ts'

export interface Parts {
  clock: GatewayClock
  /** Unix ms; until it every tag is on record as bad. */
  startedAt: number
  config: GatewayConfig
  policy: Policy
  outbox: EnduringOutbox & WatchedGaps
  tags: TagCache
  uplink: Uplink
  batcher: Batcher
  dialer: Dialer
  tunnel: { state(): TunnelState; renewal: Pick<Renewal, 'state'> }
  links: DeviceLinks
  remote: Pick<RemoteConfig, 'report'>
  desk: WriteDesk
  decisions: DecisionList
  results: ResultTally
  wallet: Wallet
  log: Log
}

export interface DecisionList {
  add(decision: Decision): void
  list(): GatewayStatus['decisions']
}

/** Decisions kept for the page; every one also stands in the log. */
const MAX_DECISIONS = 50

export function createDecisionList(log: Log): DecisionList {
  const decisions: GatewayStatus['decisions'] = []
  return {
    add(decision) {
      const { allowed, reason, claims, target, at } = decision
      const who = claims ? `${claims.person.name} (${claims.session})` : 'unknown'
      const text = `${who} to ${target}: ${reason}`
      log.info({ allowed, reason, session: claims?.session, target }, 'access decision')
      decisions.unshift({ at, allowed, text })
      decisions.length = Math.min(decisions.length, MAX_DECISIONS)
    },
    list: () => [...decisions],
  }
}

/** The status as the page shows it. */
export function readStatus(parts: Parts): GatewayStatus {
  const { config, uplink, tunnel, dialer } = parts
  const { connected, since, hostOnline, server, contest } = uplink.state()
  const tunnelState = tunnel.state()
  const cut = dialer.killedBy()
  return {
    site: config.site,
    gateway: config.gateway,
    at: Date.now(),
    clock: parts.clock.state(),
    configuration: viewConfiguration(parts),
    cloud: { connected, since, hostOnline, server, contest },
    tunnel: { connected: tunnelState.up, since: tunnelState.at },
    certificate: viewCertificate(parts),
    outbox: viewOutbox(parts),
    remoteAccess: {
      cut: cut !== undefined,
      reason: cut,
      streams: dialer.counters().open,
      targets: parts.policy.targets.map(({ title }) => title),
    },
    devices: parts.tags.devices().map((device) => viewDevice(device, parts)),
    decisions: parts.decisions.list(),
  }
}

function viewCertificate({ tunnel }: Parts): GatewayStatus['certificate'] {
  const { until, ...trouble } = tunnel.renewal.state()
  return until === undefined ? undefined : { until, ...trouble }
}

function viewConfiguration({ remote }: Parts): GatewayStatus['configuration'] {
  const { version, pending } = remote.report()
  const leftMs = pending?.leftMs ?? undefined
  const trial = pending && leftMs !== undefined
  return {
    version: version ?? undefined,
    trial: trial ? { version: pending.version, until: Date.now() + leftMs } : undefined,
  }
}

function viewOutbox({ outbox, batcher, uplink }: Parts): GatewayStatus['outbox'] {
  const { liveSamples, historicalSamples } = uplink.state()
  const depth = outbox.depth()
  const { waiting, dropped } = batcher.counters()
  const { counts, latest } = outbox.toldGaps()
  return {
    ...depth,
    dropped: depth.dropped + dropped,
    waiting: waiting + (depth.memory?.samples ?? 0),
    refusal: depth.memory?.reason,
    sentLive: liveSamples,
    sentLate: historicalSamples,
    gaps: {
      count: Object.values(counts).reduce((sum, count) => sum + count, 0),
      latest: latest.map(({ from, to, reason, lost }) => ({ from, to, reason, lost })),
    },
  }
}

function viewDevice(device: DeviceNow, { links, tags }: Parts): GatewayStatus['devices'][number] {
  return {
    id: device.device,
    driver: links.configs().find(({ id }) => id === device.device)?.driver ?? '',
    online: device.online,
    since: device.since,
    sentence: device.sentence,
    tags: device.tags.map((tag) => {
      const sample = tags.latest(tag.id)
      return {
        name: tag.name,
        value: sample?.value === null || sample === undefined ? '–' : String(sample.value),
        unit: tag.unit ?? '',
        quality: sample?.quality ?? 0,
        at: sample?.at,
      }
    }),
  }
}

/** The same for `/metrics`. */
export function createNumbers(parts: Parts): GatewayNumbers {
  return {
    batcher: () => parts.batcher.counters(),
    outbox: () => parts.outbox.depth(),
    clock: () => parts.clock.state(),
    uplink: () => parts.uplink.state(),
    devices: () => parts.tags.devices(),
    links: () => parts.links.counters(),
    meters: () => parts.links.meters.list(),
    durations: parts.links.meters.durations,
    results: () => parts.results.counts(),
    gaps: () => parts.outbox.toldGaps().counts,
    certificates: () => expiriesOf({ ...parts.wallet.newest(), ca: parts.wallet.credentials.ca }),
    renewalFailures: () => parts.tunnel.renewal.state().failures,
    writes: () => parts.desk.counters(),
    tunnel: () => {
      const { open, ...counted } = parts.dialer.counters()
      return {
        ...counted,
        up: parts.tunnel.state().up,
        streams: open,
        sessions: parts.dialer.sessions().map(({ kind }) => kind),
        questions: parts.dialer.questions().length,
        isCut: parts.dialer.killedBy() !== undefined,
      }
    },
  }
}
