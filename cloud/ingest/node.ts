/** One edge node as the host sees it: its session, its births, its samples, its death. */
import {
  type DataType,
  type DeviceId,
  formatTagId,
  type GatewayId,
  quality,
  type Sample,
  type SiteId,
  type TagId,
  type TargetSummary,
} from '../../protocol/model.ts'
import { nodeMetrics, parseGap, readRange } from '../../protocol/sparkplug/delivery.ts'
import type { Metric, Payload } from '../../protocol/sparkplug/payload.ts'
import type { DeviceMessage, NodeMessage } from '../../protocol/sparkplug/topic.ts'
import { typeValue } from '../../protocol/sparkplug/values.ts'
import type { Committer } from './committer.ts'
import type { IngestCounters, NodeEvent } from './ingest.ts'
import { createReorder } from './reorder.ts'
import { parseTargets } from './targets.ts'

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
  /** Wishes a rebirth; whoever sends it limits the rate. */
  wantRebirth(): void
}

interface KnownTag {
  id: TagId
  type: DataType | undefined
  unit?: string
  name: string
  /** The newest live sample: what goes stale when the device does. */
  last?: Sample
}

interface KnownDevice {
  online: boolean
  tags: Map<string, KnownTag>
  aliases: Map<number, KnownTag>
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

/** Devices of one node and tags of one device: far above any gateway of ours, a bound for anybody else's. */
const MAX_DEVICES = 1_000
const MAX_TAGS = 20_000
const MAX_NAME = 256

interface State {
  online: boolean
  since: number
  bdSeq: number | undefined
  /** A message was lost since the birth: samples are kept, nothing is acknowledged until the next birth. */
  broken: boolean
  devices: Map<DeviceId, KnownDevice>
  /** Devices of the birth before this one that have not been born again yet. */
  departed: Map<DeviceId, KnownDevice>
  nodeAliases: Map<number, string>
  timer: NodeJS.Timeout | undefined
}

export function createNode(options: NodeOptions): EdgeNode {
  const state: State = {
    online: false,
    since: options.now(),
    bdSeq: undefined,
    broken: false,
    devices: new Map(),
    departed: new Map(),
    nodeAliases: new Map(),
    timer: undefined,
  }
  const reorder = createReorder<NodeMessageIn>()
  const node = { state, options }

  const handleAll = (messages: readonly NodeMessageIn[]) => {
    for (const message of messages) handle(node, message)
  }
  /** tck-id-operational-behavior-host-reordering-start, -rebirth, -success. */
  const watchOrder = () => {
    if (!reorder.waiting()) {
      clearTimeout(state.timer)
      state.timer = undefined
      return
    }
    state.timer ??= setTimeout(() => {
      state.timer = undefined
      options.counters.sequenceGaps += 1
      breakSequence(node)
      handleAll(reorder.giveUp())
    }, options.reorderMs)
  }
  return {
    receive(message) {
      const { type, payload } = message
      if (type === 'NDEATH') return die(node, payload)
      if (type === 'NBIRTH') {
        if (!birth(node, payload)) return
        reorder.restart(payload.seq ?? 0)
        return watchOrder()
      }
      if (!state.online || payload.seq === undefined) {
        options.counters.beforeBirth += 1
        return options.wantRebirth()
      }
      if (state.broken) options.wantRebirth()
      handleAll(reorder.accept(payload.seq, message))
      watchOrder()
    },
    lost: () => {
      if (state.online) options.committer.spoil()
    },
    alias: (name) => [...state.nodeAliases].find(([, known]) => known === name)?.[0],
    view: () => ({
      site: options.site,
      gateway: options.gateway,
      online: state.online,
      since: state.since,
      bdSeq: state.bdSeq,
      devices: [...state.devices].map(([device, { online, tags }]) => ({
        device,
        online,
        tags: tags.size,
      })),
    }),
    close: () => clearTimeout(state.timer),
  }
}

interface Node {
  state: State
  options: NodeOptions
}

function breakSequence({ state, options }: Node): void {
  state.broken = true
  options.committer.spoil()
  options.wantRebirth()
}

/** A new session or a rebirth: every table starts anew. False when it is no valid NBIRTH. */
function birth({ state, options }: Node, payload: Payload): boolean {
  const bdSeq = readBdSeq(payload)
  if (bdSeq === undefined) {
    options.counters.quarantined += 1
    return false
  }
  const { site, gateway } = options
  const at = options.now()
  state.bdSeq = bdSeq
  state.broken = false
  for (const [device, known] of state.devices) state.departed.set(device, known)
  state.devices.clear()
  state.nodeAliases.clear()
  for (const { name, alias } of payload.metrics) {
    if (name !== undefined && alias !== undefined) state.nodeAliases.set(alias, name)
  }
  options.committer.restart()
  if (!state.online) {
    state.online = true
    state.since = at
    options.onNode({ kind: 'online', site, gateway, at })
  }
  const software = textOf(payload, nodeMetrics.software)
  const targets = parseTargets(textOf(payload, nodeMetrics.targets))
  options.onNode({ kind: 'birth', site, gateway, tags: [], targets, software, at })
  return true
}

function textOf(payload: Payload, name: string): string | undefined {
  const value = payload.metrics.find((metric) => metric.name === name)?.value
  return typeof value === 'string' ? value : undefined
}

function readBdSeq(payload: Payload): number | undefined {
  const value = payload.metrics.find((metric) => metric.name === nodeMetrics.bdSeq)?.value
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined
}

/** Accepted only with the bdSeq of the current birth: anything else is the late will of an older session. */
function die({ state, options }: Node, payload: Payload): void {
  if (!state.online || readBdSeq(payload) !== state.bdSeq) {
    options.counters.staleDeaths += 1
    return
  }
  const at = options.now()
  clearTimeout(state.timer)
  state.timer = undefined
  state.online = false
  state.since = at
  // tck-id-operational-behavior-edge-node-termination-host-action-ndeath-*: the host's own clock.
  for (const device of [...state.departed.values(), ...state.devices.values()]) {
    markStale(options, device, at)
  }
  const { site, gateway } = options
  options.onNode({ kind: 'offline', site, gateway, at })
}

/** Repeats each tag's last value with quality stale; never earlier than that value itself. */
function markStale(options: NodeOptions, device: KnownDevice, at: number): void {
  device.online = false
  const live: Sample[] = []
  for (const tag of device.tags.values()) {
    if (!tag.last || tag.last.quality === quality.stale) continue
    const { value, at: seen } = tag.last
    const stale = { tag: tag.id, at: Math.max(at, seen + 1), value, quality: quality.stale }
    tag.last = stale
    live.push(stale)
  }
  options.counters.staleSamples += live.length
  options.committer.add({ live })
}

function handle(node: Node, { type, device, payload }: NodeMessageIn): void {
  if (type === 'NDATA' || type === 'DDATA') forgetDeparted(node)
  if (type === 'NDATA') nodeData(node, payload)
  else if (device === undefined) return
  else if (type === 'DBIRTH') deviceBirth(node, device, payload)
  else if (type === 'DDATA') deviceData(node, device, payload)
  else if (type === 'DDEATH') deviceDeath(node, device, payload)
}

/** tck-id-payloads-dbirth-order: data ends the birth sequence, so a device not born by now is gone. */
function forgetDeparted({ state, options }: Node): void {
  for (const [device, known] of state.departed) {
    const at = options.now()
    markStale(options, known, at)
    options.onNode({ kind: 'device-offline', site: options.site, gateway: options.gateway, device, at })
  }
  state.departed.clear()
}

function nodeData(node: Node, payload: Payload): void {
  const { state, options } = node
  const metrics = payload.metrics.map((metric) => ({
    ...metric,
    name: metric.name ?? state.nodeAliases.get(metric.alias ?? -1),
  }))
  if (metrics.some(({ name }) => name === undefined)) return unknownMetric(node)
  for (const { value } of metrics.filter(({ name }) => name === nodeMetrics.gap)) {
    const gap = parseGap(value, options.gateway)
    if (gap) options.committer.add({ gaps: [gap] })
    else options.counters.quarantined += 1
  }
  const range = readRange(metrics, 'watermark')
  if (!range) return
  if (state.broken) options.committer.spoil()
  options.committer.close(range)
}

function unknownMetric(node: Node): void {
  node.options.counters.unknownMetrics += 1
  breakSequence(node)
}

function deviceBirth(node: Node, device: DeviceId, payload: Payload): void {
  const { state, options } = node
  if (!state.devices.has(device) && state.devices.size >= MAX_DEVICES) {
    options.counters.quarantined += 1
    return
  }
  const known: KnownDevice = { online: true, tags: new Map(), aliases: new Map() }
  for (const metric of payload.metrics) addTag(options, { device, known }, metric)
  state.devices.set(device, known)
  state.departed.delete(device)
  const { site, gateway } = options
  const tags = [...known.tags.values()].flatMap(({ id, name, type, unit }) =>
    type ? [{ id, name, type, unit }] : [],
  )
  options.onNode({ kind: 'birth', site, gateway, device, tags, at: payload.at ?? options.now() })
  // A tag that was never read has nothing to tell but that.
  const told = payload.metrics.filter((metric) => metric.value !== null || metric.quality === quality.bad)
  store(node, known, { ...payload, metrics: told })
}

function addTag(
  options: NodeOptions,
  { device, known }: { device: DeviceId; known: KnownDevice },
  { name, alias, type, unit }: Metric,
): void {
  if (!name || name.length > MAX_NAME || known.tags.size >= MAX_TAGS) {
    options.counters.quarantined += 1
    return
  }
  const { site, gateway } = options
  const tag: KnownTag = { id: formatTagId({ site, gateway, device, name }), name, type, unit }
  known.tags.set(name, tag)
  if (alias !== undefined) known.aliases.set(alias, tag)
}

function deviceData(node: Node, device: DeviceId, payload: Payload): void {
  const known = node.state.devices.get(device)
  if (known) store(node, known, payload)
  else unknownMetric(node)
}

/** Samples of a device's birth or data; one unknown metric asks for a rebirth, one ill-typed value is quarantined. */
function store(node: Node, device: KnownDevice, payload: Payload): void {
  const { options } = node
  const live: Sample[] = []
  const historical: Sample[] = []
  for (const metric of payload.metrics) {
    const tag =
      metric.name === undefined
        ? device.aliases.get(metric.alias ?? -1)
        : device.tags.get(metric.name)
    if (!tag) {
      unknownMetric(node)
      continue
    }
    const sample = toSample(tag, metric, payload.at ?? options.now())
    if (!sample) options.counters.quarantined += 1
    else if (metric.historical) historical.push(sample)
    else {
      live.push(sample)
      if (!tag.last || sample.at >= tag.last.at) tag.last = sample
    }
  }
  options.counters.samples += live.length + historical.length
  if (!options.committer.add({ live, historical })) {
    options.counters.overflowed += live.length + historical.length
  }
}

/** Undefined when the metric carries nothing a sample can hold. */
function toSample(tag: KnownTag, metric: Metric, fallbackAt: number): Sample | undefined {
  if (metric.unsupported || tag.type === undefined) return undefined
  const value = metric.value === null ? null : typeValue(metric.value, tag.type)
  if (value === undefined) return undefined
  const natural = value === null ? quality.bad : quality.good
  const at = metric.at ?? fallbackAt
  const sample: Sample = { tag: tag.id, at, value, quality: metric.quality ?? natural }
  if (metric.status !== undefined) sample.status = metric.status
  return sample
}

/** tck-id-operational-behavior-edge-node-termination-host-action-ddeath-*: the payload's timestamp. */
function deviceDeath(node: Node, device: DeviceId, payload: Payload): void {
  const known = node.state.devices.get(device)
  if (!known) return unknownMetric(node)
  const { options } = node
  const at = payload.at ?? options.now()
  markStale(options, known, at)
  const { site, gateway } = options
  options.onNode({ kind: 'device-offline', site, gateway, device, at })
}
