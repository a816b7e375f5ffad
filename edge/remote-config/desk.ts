/** What is in force and what is on trial, and what of it can be told without touching anything. */
import type { ConfigReason } from '../../protocol/api-gateway-config.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type {
  ConfigOffer,
  ConfigOfferAnswer,
  ConfigReport,
} from '../../protocol/tunnel/configuration.ts'
import type { DeviceConfig } from '../device-config.ts'
import { hashText } from './devices-text.ts'
import type { SiteRules } from './site-rules.ts'
import type { InForce } from './starting-point.ts'
import type { KeptVersion, RemoteState, StateFile } from './state-file.ts'

/** What runs the devices, and what tells of the way to the cloud. */
export interface LiveDevices {
  /** Only what differs is stopped and started. Throws before it has touched anything. */
  apply(devices: readonly DeviceConfig[]): Promise<void>
  isOnline(): boolean
  /** Batches that the cloud has committed so far. */
  acknowledged(): number
}

export interface RemoteConfigOptions extends SiteRules {
  /** Its own folder. */
  dir: string
  log: Log
}

/** A version between its arrival and its confirmation. */
export interface Trial {
  kept: KeptVersion
  next: InForce
  confirmWithinMs: number
  /** When it goes back by itself, by the monotonic clock; undefined until it is applied. */
  endsMs?: number
  /** What the cloud had committed when it was applied. */
  acknowledged: number
  timer?: NodeJS.Timeout
}

export interface Desk extends RemoteConfigOptions {
  file: StateFile
  state: RemoteState
  /** Hash of the devices in the file at the site. */
  siteHash: string
  present: InForce
  trial: Trial | undefined
  live: LiveDevices | undefined
  /** One order after the other. */
  lane: Promise<unknown>
  /** The same for checks, which change nothing. */
  checks: Promise<unknown>
}

/** What the cloud may read at any time. */
export function report({ config: site, present, trial, state }: Desk): ConfigReport {
  const running = (trial?.endsMs === undefined ? present : trial.next).config
  return {
    allowed: site.remoteConfig.allow,
    hash: present.hash,
    from: present.version === undefined ? 'site' : 'cloud',
    version: present.version ?? null,
    yaml: present.yaml,
    devices: running.devices.map(({ id }) => id),
    pending: trial
      ? {
          version: trial.kept.version,
          phase: trial.endsMs === undefined ? 'staged' : 'applied',
          leftMs:
            trial.endsMs === undefined
              ? null
              : Math.max(0, Math.round(trial.endsMs - performance.now())),
        }
      : null,
    last: state.last,
  }
}

/** What can be told without reading it. */
export function findRefusal(desk: Desk, offer: ConfigOffer): ConfigOfferAnswer | undefined {
  const { config, live, trial, present } = desk
  if (!config.remoteConfig.allow) {
    return refuse('not-allowed', 'the file at the site does not allow it (remoteConfig.allow)')
  }
  if (!live) return refuse('busy', 'the gateway is starting or stopping')
  if (hashText(offer.yaml) !== offer.sha256)
    return refuse('damaged', 'the text is not what was sent')
  if (trial) {
    const isSame = trial.kept.version === offer.version && trial.kept.sha256 === offer.sha256
    return isSame ? undefined : refuse('busy', `version ${trial.kept.version} is on trial`)
  }
  if (offer.base !== present.hash) {
    return refuse('base-differs', 'it was made against another configuration than the one here')
  }
  return undefined
}

/** The same as a no. */
export function refuse(why: ConfigReason, say: string): ConfigOfferAnswer {
  return answer('refused', why, say)
}

/** An answer without problems and without a diff. */
export function answer(
  outcome: ConfigOfferAnswer['outcome'],
  why: ConfigReason | null,
  say: string,
): ConfigOfferAnswer {
  return { outcome, why, say, problems: [], diff: null }
}
