/** What the local page shows and Prometheus asks, gathered from the parts at the moment of asking. */
import type { Log } from '../protocol/kit/log.ts'
import type { LinkCounters } from './acquisition/counters.ts'
import type { Batcher } from './batcher.ts'
import type { GatewayConfig } from './config.ts'
import type { GatewayStatus } from './local/page.ts'
import type { GatewayNumbers } from './metrics.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { DeviceNow, TagCache } from './tag-cache.ts'
import type { TunnelState } from './tunnel/agent.ts'
import type { Decision, Dialer } from './tunnel/dialer.ts'
import type { Policy } from './tunnel/policy.ts'
import type { Uplink } from './uplink/uplink.ts'
import type { WriteDesk } from './writing/write-desk.ts'

export interface Parts {
  /** Unix ms; until it every tag is on record as bad. */
  startedAt: number
  config: GatewayConfig
  policy: Policy
  outbox: Outbox
  tags: TagCache
  uplink: Uplink
  batcher: Batcher
  dialer: Dialer
  tunnel: { state(): TunnelState }
  links: ReadonlyMap<string, LinkCounters>
  desk: WriteDesk
  decisions: DecisionList
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
  const { config, uplink, tunnel, outbox, dialer } = parts
  const { connected, since, hostOnline } = uplink.state()
  const tunnelState = tunnel.state()
  const cut = dialer.killedBy()
  return {
    site: config.site,
    gateway: config.gateway,
    at: Date.now(),
    cloud: { connected, since, hostOnline },
    tunnel: { connected: tunnelState.up, since: tunnelState.at },
    outbox: outbox.depth(),
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

function viewDevice(device: DeviceNow, { config, tags }: Parts): GatewayStatus['devices'][number] {
  return {
    id: device.device,
    driver: config.devices.find(({ id }) => id === device.device)?.driver ?? '',
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
    uplink: () => parts.uplink.state(),
    devices: () => parts.tags.devices(),
    links() {
      const sums: Record<string, number> = {}
      for (const counters of parts.links.values()) {
        for (const [name, count] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + count
      }
      return sums
    },
    writes: () => parts.desk.counters(),
    tunnel: () => {
      const { open, allowed, refused } = parts.dialer.counters()
      return { up: parts.tunnel.state().up, streams: open, allowed, refused }
    },
  }
}
