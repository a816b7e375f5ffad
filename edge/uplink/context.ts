/** What the files of the uplink share: its options, its counters, the memory of all sessions and of the running one. */
import type { BackoffOptions } from '../../protocol/kit/backoff.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { DeviceId, TagId, TargetSummary, Value } from '../../protocol/model.ts'
import type { HostState } from '../../protocol/sparkplug/delivery.ts'
import type { Metric } from '../../protocol/sparkplug/payload.ts'
import type { DeviceMessage } from '../../protocol/sparkplug/topic.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Bell } from './bell.ts'
import type { Catalogue, DeviceView } from './catalogue.ts'
import type { DeliveryQueue } from './delivery-queue.ts'

/** A command of the host: to a tag of a device, or to the node itself. */
export interface Command {
  device?: DeviceId
  metric: string
  tag?: TagId
  value: Value | null
}

export interface UplinkOptions {
  /** `mqtts://…` or `mqtt://…`. */
  url: string
  /** PEM texts. */
  tls?: { key: string; cert: string; ca: string; servername?: string }
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
  /** `acknowledged`: batches are deleted when the host has committed them; `state`: once published while the host is online. */
  delivery: 'acknowledged' | 'state'
  onCommand?(command: Command): void
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
}

/** Everything the sessions of one uplink share. */
export interface SessionContext {
  options: UplinkOptions
  now: () => number
  log: Log
  queue: DeliveryQueue
  catalogue: Catalogue
  counters: UplinkCounters
  host: HostState
  changed: Set<DeviceId>
  /** Rings the running session's bell. */
  wake: (() => void) | undefined
  status: { begin(bdSeq: number): void; end(): void; born(): boolean }
}

/** Sends this node's messages; each call resolves when the bytes are with the socket (back-pressure), and rejects when the link is gone. */
export interface Publisher {
  nodeBirth(metrics: Metric[]): Promise<void>
  nodeData(metrics: Metric[]): Promise<void>
  /** DBIRTH, DDATA, DDEATH. */
  device(type: DeviceMessage, device: string, metrics: Metric[]): Promise<void>
}

/** What the running session shares with the pump. */
export interface Session {
  context: SessionContext
  publisher: Publisher
  bell: Bell
  /** Aborts when the link is lost, the host went offline, or the uplink is disposed. */
  signal: AbortSignal
  bdSeq: number
  rebirthWanted: boolean
}
