/** What the files of the uplink share: its options, its counters, the memory of all sessions and of the running one. */
import type { BackoffOptions } from '../../protocol/kit/backoff.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { DeviceId, TagId, TargetSummary, Value } from '../../protocol/model.ts'
import type { Metric } from '../../protocol/sparkplug/payload.ts'
import type { DeviceMessage } from '../../protocol/sparkplug/topic.ts'
import type { DataMessage } from '../../protocol/sparkplug/wire-form.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Bell } from './bell.ts'
import type { Catalogue, DeviceView } from './catalogue.ts'
import type { DeliveryQueue } from './delivery-queue.ts'
import type { HostWatch } from './host-watch.ts'
import type { RebirthPace } from './rebirth-pace.ts'

/** A command of the host: to a tag of a device, or to the node itself. */
export interface Command {
  device?: DeviceId
  metric: string
  tag?: TagId
  value: Value | null
}

/** PEM texts. */
export interface BrokerTls {
  key: string
  cert: string
  ca: string
  servername?: string
}

/** What each CONNECT shows of who we are. */
export interface BrokerCredentials {
  use(): BrokerTls
  /** The broker took the session in, or there was none. */
  judged(shown: BrokerTls, isAccepted: boolean): void
}

export interface UplinkOptions {
  /** `mqtts://…` or `mqtt://…`. */
  url: string
  /** Further servers, tried in this order when the host is not at the one before; one at a time. */
  otherUrls?: readonly string[]
  /** For the servers of `mqtts://`. */
  tls?: BrokerCredentials
  site: string
  gateway: string
  clientId: string
  devices(): DeviceView[]
  targets: readonly TargetSummary[]
  /** Name and version, told in NBIRTH. */
  software: string
  outbox: Outbox
  /** The host application whose STATE we wait for. */
  primaryHost: string
  /** Host ids that may stand in for it: data flows while any one of all is online. */
  standbyHosts?: readonly string[]
  /** With several servers: how long to wait where the host has never said a word. */
  hostPatienceMs?: number
  /** `acknowledged`: batches are deleted when the host has committed them; `state`: once published while the host is online. */
  delivery: 'acknowledged' | 'state'
  onCommand?(command: Command): void
  /** Told when the host sent a message to this node that has just arrived, Unix ms. */
  onHostTime?(at: number): void
  /** Keeps the birth-death number over restarts; none: it starts at 0 with the process. */
  birthSequenceFile?: string
  ackTimeoutMs?: number
  backoff?: BackoffOptions
  now?: () => number
  log: Log
}

export interface UplinkCounters {
  connects: number
  births: number
  messages: number
  liveSamples: number
  historicalSamples: number
  acknowledgedBatches: number
  /** Ranges sent again because no acknowledgement came in time. */
  expiredRanges: number
  /** Messages to us that were no valid Sparkplug. */
  refusedMessages: number
  /** Acknowledgements that name another store than ours, or none: nothing was deleted by them. */
  foreignAnswers: number
  /** NCMDs that asked for a rebirth; those that came too fast were answered by one birth. */
  rebirthRequests: number
  /** STATEs older than their host's last one. */
  staleStates: number
}

/** Everything the sessions of one uplink share. */
export interface SessionContext {
  options: UplinkOptions
  now: () => number
  log: Log
  /**
   * The name of this run's outbox, new with each start: a copied disk, or whoever else has our identity, counts its batches
   * too, and an acknowledgement of theirs must delete nothing of ours.
   */
  store: string
  queue: DeliveryQueue
  catalogue: Catalogue
  counters: UplinkCounters
  host: HostWatch
  changed: Set<DeviceId>
  /** The broker took the session in. */
  accepted(shown: BrokerTls | undefined): void
  /** Ends the running session in good order, and the wait for the next one. */
  again: AbortController
  /** Rings the running session's bell. */
  wake: (() => void) | undefined
  status: { begin(bdSeq: number): void; end(): void; born(): boolean }
}

/** Sends this node's messages; each call resolves when the bytes are with the socket (back-pressure), and rejects when the link is gone. */
export interface Publisher {
  nodeBirth(metrics: Metric[]): Promise<void>
  nodeData(metrics: Metric[]): Promise<void>
  /** DBIRTH, DDEATH. */
  device(type: DeviceMessage, device: string, metrics: Metric[]): Promise<void>
  /** DDATA. */
  data(device: string, message: DataMessage): Promise<void>
}

/** What the running session shares with the pump. */
export interface Session {
  context: SessionContext
  publisher: Publisher
  bell: Bell
  /** Aborts when the link is lost, the host went offline, or the uplink is disposed. */
  signal: AbortSignal
  bdSeq: number
  /** Ends the session in good order: no host is here any more. */
  leave(): void
  rebirthWanted: boolean
  pace: RebirthPace
}
