/** One edge node as the host sees it: its session, its births, its samples, its death. */
import { type DeviceId, quality } from '../../protocol/model.ts'
import { nodeMetrics, parseGap, readRange } from '../../protocol/sparkplug/delivery.ts'
import type { Metric, Payload } from '../../protocol/sparkplug/payload.ts'
import type { EdgeNode, Node, NodeMessageIn, NodeOptions, State } from './contract.ts'
import { affirmStanding, createDevice, markLeft, markStale, storeSamples } from './device.ts'
import { createIdentityWatch } from './identity-watch.ts'
import { birth, die, forgetDeparted } from './lifecycle.ts'
import { createReorder } from './reorder.ts'
import { flattenTemplates } from './templates.ts'

/** Far above any gateway of ours, a bound for anybody else's. */
const MAX_DEVICES = 1_000

/** Messages that wait for a missing one; a full turn of 256 would make the missing one's successor look like itself. */
const MAX_WAITING = 100

export function createNode(options: NodeOptions): EdgeNode {
  const state: State = {
    online: false,
    since: options.now(),
    bdSeq: undefined,
    store: undefined,
    broken: false,
    devices: new Map(),
    departed: new Map(),
    nodeAliases: new Map(),
    identity: createIdentityWatch(),
    refused: new Map(),
    timer: undefined,
  }
  const reorder = createReorder<NodeMessageIn>()
  const node = { state, options }

  const handleAll = (messages: readonly NodeMessageIn[]) => {
    for (const message of messages) handle(node, message)
  }
  /** tck-id-operational-behavior-host-reordering-start, -rebirth, -success. */
  const giveUp = () => {
    clearTimeout(state.timer)
    state.timer = undefined
    options.counters.sequenceGaps += 1
    breakSequence(node)
    handleAll(reorder.giveUp())
  }
  const watchOrder = () => {
    if (reorder.waiting() === 0) {
      clearTimeout(state.timer)
      state.timer = undefined
    } else if (reorder.waiting() >= MAX_WAITING) giveUp()
    else state.timer ??= setTimeout(giveUp, options.reorderMs)
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

function breakSequence({ state, options }: Node): void {
  state.broken = true
  options.committer.spoil()
  options.wantRebirth()
}

function handle(node: Node, { type, device, payload }: NodeMessageIn): void {
  if (type === 'NDATA' || type === 'DDATA') forgetDeparted(node)
  if (type === 'NDATA') nodeData(node, payload)
  else if (device === undefined) return
  else if (type === 'DBIRTH') deviceBirth(node, device, payload)
  else if (type === 'DDATA') deviceData(node, device, payload)
  else if (type === 'DDEATH') deviceDeath(node, device, payload)
}

function nodeData(node: Node, payload: Payload): void {
  const { state, options } = node
  const metrics = payload.metrics.map((metric) => ({
    ...metric,
    name: metric.name ?? state.nodeAliases.get(metric.alias ?? -1),
  }))
  if (metrics.some(({ name }) => name === undefined)) {
    unknownMetric(node)
    return
  }
  for (const { value } of metrics.filter(({ name }) => name === nodeMetrics.gap)) {
    const gap = parseGap(value, options.gateway)
    if (gap) options.committer.add({ gaps: [gap] })
    else options.counters.quarantined += 1
  }
  const range = readRange(metrics, 'watermark')
  if (!range) return
  // A watermark of another store than was born: what it speaks of did not come with this session.
  if (state.broken || range.store !== state.store) options.committer.spoil()
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
  const before = state.departed.get(device) ?? state.devices.get(device)
  const known = createDevice(options, device, payload.metrics)
  state.devices.set(device, known)
  state.departed.delete(device)
  const { site, gateway } = options
  const tags = [...known.tags.values()].flatMap(({ id, name, type, unit }) =>
    type ? [{ id, name, type, unit }] : [],
  )
  options.onNode({ kind: 'birth', site, gateway, device, tags, at: payload.at ?? options.now() })
  sayRefused(node, device, payload.metrics)
  // A tag that was never read has nothing to tell but that.
  const told = flattenTemplates(payload.metrics).filter(
    (metric) => metric.value !== null || metric.quality === quality.bad,
  )
  if (!storeSamples(options, known, { ...payload, metrics: told })) unknownMetric(node)
  affirmStanding(options, { known, before }, payload.at ?? options.now())
  if (before) markLeft(options, { known, before }, payload.at ?? options.now())
}

/** In words, once: what this device has that no sample can hold. Each value of it that comes is counted as quarantined. */
function sayRefused({ state, options }: Node, device: DeviceId, metrics: readonly Metric[]): void {
  const refused = flattenTemplates(metrics).filter(({ unsupported }) => unsupported !== undefined)
  const list = refused.map(({ name, unsupported }) => `${name} (${unsupported})`).join(', ')
  if (list === (state.refused.get(device) ?? '')) return
  state.refused.set(device, list)
  const { site, gateway, log } = options
  if (list !== '')
    log.warn({ site, gateway, device, metrics: list }, 'metrics of types we do not store')
}

function deviceData(node: Node, device: DeviceId, payload: Payload): void {
  const known = node.state.devices.get(device)
  if (!known || !storeSamples(node.options, known, payload)) unknownMetric(node)
}

/** tck-id-operational-behavior-edge-node-termination-host-action-ddeath-*: the payload's timestamp. */
function deviceDeath(node: Node, device: DeviceId, payload: Payload): void {
  const known = node.state.devices.get(device)
  if (!known) {
    unknownMetric(node)
    return
  }
  const { options } = node
  const at = payload.at ?? options.now()
  markStale(options, known, at)
  const { site, gateway } = options
  options.onNode({ kind: 'device-offline', site, gateway, device, at })
}
