/** What the files of ingest share: options, events, counters, and the memory of one edge node. */
import type { IClientOptions, MqttClient } from 'mqtt'
import type { BackoffOptions } from '../../protocol/kit/backoff.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type {
  DataType,
  DeviceId,
  Gap,
  GatewayId,
  Sample,
  SiteId,
  TagId,
} from '../../protocol/model.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import type { Payload } from '../../protocol/sparkplug/payload.ts'
import type { DeviceMessage, NodeMessage } from '../../protocol/sparkplug/topic.ts'
import type { Committer } from './committer.ts'
import type { IdentityWatch } from './identity-watch.ts'

export interface CommitBatch {
  gateway: GatewayId
  site: SiteId
  /** In order of arrival; includes the stale repeats of a death. */
  live: Sample[]
  /** Late data: to store, not to alarm on. */
  historical: Sample[]
  gaps: Gap[]
}

export interface IngestOptions {
  /** Opens a client of the broker with these options added (will, client id, clean session, no reconnect of its own). */
  connect(options: Partial<IClientOptions>): MqttClient
  hostId: string
  /** Durable when it resolves; when it rejects nothing is acknowledged and the gateway sends again. */
  commit(batch: CommitBatch): Promise<void>
  onNode(event: NodeEvent): void
  now?: () => number
  /** How long a message may be overtaken by its successors. */
  reorderMs?: number
  commitMs?: number
  /** The least time between two rebirth requests to one node. */
  rebirthMs?: number
  backoff?: BackoffOptions
  log: Log
}

export interface IngestCounters {
  messages: number
  samples: number
  staleSamples: number
  acknowledgedRanges: number
  rebirthRequests: number
  sequenceGaps: number
  /** NDEATHs of an older session. */
  staleDeaths: number
  beforeBirth: number
  unknownMetrics: number
  /** Payloads, metrics or topics refused for what they are. */
  quarantined: number
  /** Identities found to be used by two edge nodes at once. */
  contested: number
  /** Samples refused because a gateway's queue was full. */
  overflowed: number
  failedCommits: number
  /** Samples of failed commits: still in their gateway's outbox. */
  failedSamples: number
}

export interface NodeMessageIn {
  type: NodeMessage | DeviceMessage
  device?: DeviceId
  payload: Payload
}

export interface NodeOptions {
  site: SiteId
  gateway: GatewayId
  committer: Committer
  counters: IngestCounters
  reorderMs: number
  now(): number
  onNode(event: NodeEvent): void
  log: Log
  /** Wishes a rebirth; whoever sends it limits the rate. */
  wantRebirth(): void
}

export interface NodeView {
  site: SiteId
  gateway: GatewayId
  online: boolean
  since: number
  bdSeq: number | undefined
  devices: { device: DeviceId; online: boolean; tags: number }[]
}

export interface EdgeNode {
  receive(message: NodeMessageIn): void
  /** A message of this node could not be read at all: its number is missing. */
  lost(): void
  /** The alias of a node metric, if its birth gave one. */
  alias(name: string): number | undefined
  view(): NodeView
  close(): void
}

export interface KnownTag {
  id: TagId
  type: DataType | undefined
  unit?: string
  name: string
  /** The newest live sample: what goes stale when the device does. */
  last?: Sample
}

export interface KnownDevice {
  online: boolean
  tags: Map<string, KnownTag>
  aliases: Map<number, KnownTag>
  /** Names of template instances by alias. */
  templates: Map<number, string>
}

export interface State {
  online: boolean
  since: number
  bdSeq: number | undefined
  /** The name of the gateway's running store, if its birth gave one. */
  store: string | undefined
  /** A message was lost since the birth: samples are kept, nothing is acknowledged until the next birth. */
  broken: boolean
  devices: Map<DeviceId, KnownDevice>
  /** Devices of the birth before this one that have not been born again yet. */
  departed: Map<DeviceId, KnownDevice>
  nodeAliases: Map<number, string>
  identity: IdentityWatch
  /** Per device: the metrics already told to be none we store. */
  refused: Map<DeviceId, string>
  timer: NodeJS.Timeout | undefined
}

export interface Node {
  state: State
  options: NodeOptions
}
