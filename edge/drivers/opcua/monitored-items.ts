/** The monitored items of a subscription: each tag with its own sampling, queue and deadband. */
import {
  AttributeIds,
  type ClientMonitoredItemBase,
  ClientMonitoredItemGroup,
  type ClientSubscription,
  DataChangeFilter,
  DataChangeTrigger,
  type DataValue,
  DeadbandType,
  TimestampsToReturn,
} from 'node-opcua-client'
import type { Sample, Tag } from '../../../protocol/model.ts'
import { addressOf } from './address.ts'
import type { Conversation } from './conversation.ts'
import type { Messages } from './messages.ts'
import { codes } from './node-ids.ts'
import { tellOnce } from './notice.ts'
import type { OpcuaOptions } from './options.ts'
import { sendInParts } from './service-limits.ts'
import { badSample, isOverflow, toIndexRange, toSample } from './values.ts'

/** What a server says of an item whose node it has dropped: it keeps the item, and will not look for the node again. */
export const LOST_NODE: ReadonlySet<number> = new Set([
  codes.badNodeIdUnknown,
  codes.badNodeIdInvalid,
])

export interface MonitorOptions {
  host: Conversation
  subscription: ClientSubscription
  messages: Messages
  push(sample: Sample): void
  /** The server looks at a node so often, ms, by its own word. */
  noteSampling(intervalMs: number): void
}

export interface Monitor extends MonitorOptions {
  /** Items whose nodes the server has dropped. */
  orphans: Map<Tag, ClientMonitoredItemBase>
}

export interface MissingTag {
  tag: Tag
  status: number
}

/** How items are asked for; all of one request share it. */
interface ItemParameters {
  samplingInterval: number
  queueSize: number
  discardOldest: boolean
  filter?: DataChangeFilter
}

interface Item {
  tag: Tag
  nodeId: string
}

/** Those that could not be added, each with its status. */
export async function addTags(
  monitor: Monitor,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<MissingTag[]> {
  const { nodes, options } = monitor.host
  const places = await nodes.resolve(tags, signal)
  const missing: MissingTag[] = []
  const parts = new Map<string, { parameters: ItemParameters; items: Item[] }>()
  for (const [i, tag] of tags.entries()) {
    const place = places[i]
    if (!place) continue
    if ('status' in place) {
      missing.push({ tag, status: place.status })
      continue
    }
    const parameters = parametersOf(tag, options)
    const key = JSON.stringify(parameters)
    const part = parts.get(key) ?? { parameters, items: [] }
    part.items.push({ tag, nodeId: place.nodeId })
    parts.set(key, part)
  }
  for (const part of parts.values()) missing.push(...(await addPart(monitor, part, signal)))
  for (const { tag } of missing) nodes.forget(tag)
  for (const { id } of tags) monitor.host.missing.delete(id)
  for (const { tag } of missing) monitor.host.missing.add(tag.id)
  return missing
}

function parametersOf(tag: Tag, options: OpcuaOptions): ItemParameters {
  const { samplingIntervalMs, queueSize, deadbandAbsolute, deadbandPercent } = addressOf(tag)
  const deadbandValue = deadbandAbsolute ?? deadbandPercent
  const deadbandType = deadbandPercent === undefined ? DeadbandType.Absolute : DeadbandType.Percent
  const trigger = DataChangeTrigger.StatusValue
  return {
    samplingInterval: samplingIntervalMs ?? options.samplingIntervalMs,
    queueSize: queueSize ?? options.queueSize,
    discardOldest: true,
    // Without a filter the trigger is StatusValue too (Part 4, 7.22.2), and no server can refuse it.
    filter:
      deadbandValue === undefined
        ? undefined
        : new DataChangeFilter({ trigger, deadbandType, deadbandValue }),
  }
}

interface Part {
  parameters: ItemParameters
  items: readonly Item[]
}

/** What a server answers that cannot filter, or not this node (Part 4, 5.12.2.4). */
const filterRefusals: ReadonlySet<number> = new Set([
  0x80430000, // BadMonitoredItemFilterInvalid
  0x80440000, // BadMonitoredItemFilterUnsupported
  0x80450000, // BadFilterNotAllowed
  0x808e0000, // BadDeadbandFilterInvalid
])

/** Adds the items; a deadband that is refused is left out, and that is told once. */
async function addPart(monitor: Monitor, part: Part, signal: AbortSignal): Promise<MissingTag[]> {
  const { parameters, items } = part
  const results = await createItems(monitor, part, signal)
  const failed = items.flatMap((item, i) => {
    const status = results[i] ?? codes.badNodeIdUnknown
    return status === 0 ? [] : [{ ...item, status }]
  })
  const refused = failed.filter(({ status }) => parameters.filter && filterRefusals.has(status))
  if (refused.length === 0) return failed
  for (const { tag } of refused) {
    tellOnce(monitor.host, `the server keeps no deadband for ${tag.name}; it sends every change`)
  }
  const without = { items: refused, parameters: { ...parameters, filter: undefined } }
  const missing = await addPart(monitor, without, signal)
  return [...failed.filter((item) => !refused.includes(item)), ...missing]
}

/** The status of each item, in order. */
async function createItems(
  monitor: Monitor,
  { parameters, items }: Part,
  signal: AbortSignal,
): Promise<(number | undefined)[]> {
  const { sizes, options } = monitor.host
  const send = (part: readonly Item[]) => createGroup(monitor, { parameters, items: part }, signal)
  return await sendInParts(items, { size: sizes.monitor, endpoint: options.endpoint, send })
}

async function createGroup(
  monitor: Monitor,
  { parameters, items }: Part,
  signal: AbortSignal,
): Promise<(number | undefined)[]> {
  const { host, subscription, messages, noteSampling } = monitor
  const group = ClientMonitoredItemGroup.create(
    subscription,
    items.map(({ tag, nodeId }) => {
      return { nodeId, attributeId: AttributeIds.Value, ...toIndexRange(addressOf(tag).indexRange) }
    }),
    parameters,
    TimestampsToReturn.Both,
  )
  for (const [i, { tag }] of items.entries()) {
    const item = group.monitoredItems[i]
    if (item) messages.expect(item, createTaker(tag, item, monitor))
  }
  try {
    await host.call(awaitGroup(group), signal)
  } catch (error) {
    for (const item of group.monitoredItems) messages.forget(item)
    throw error
  }
  releaseGroup(subscription, group)
  return group.monitoredItems.map((item) => {
    if (item.statusCode?.isNotGood()) messages.forget(item)
    else noteSampling(item.monitoringParameters.samplingInterval)
    return item.statusCode?.value
  })
}

/**
 * The library keeps every group as long as its subscription, whatever became of its items: a node that stays missing
 * would cost a group at every try. The items that were made are the subscription's and stay.
 */
function releaseGroup(subscription: ClientSubscription, group: ClientMonitoredItemGroup): void {
  const keeper = subscription as unknown as { _removeGroup?(group: unknown): void }
  keeper._removeGroup?.(group)
}

/** Its `err` event tells a text only; the error itself comes with `terminated`. */
export function awaitGroup(group: ClientMonitoredItemGroup): Promise<void> {
  const ready = Promise.withResolvers<void>()
  group.on('initialized', () => ready.resolve())
  group.on('terminated', (error) => ready.reject(error ?? new Error('no items')))
  return ready.promise
}

/** Samples of one tag; where the server's queue had to drop changes, a bad one stands for them. */
function createTaker(tag: Tag, item: ClientMonitoredItemBase, { host, push, orphans }: Monitor) {
  const { timestamp } = host.options
  let lastAt: number | undefined
  return (data: DataValue) => {
    const sample = toSample(tag, data, { timestamp, arrivedAt: Date.now() })
    // Either the dropped ones were older than this value, or it took their place: both lie after the last one.
    if (lastAt !== undefined && isOverflow(sample.status)) {
      push(badSample(tag, lastAt + 1, codes.badDataLost))
    }
    lastAt = sample.at
    push(sample)
    if (LOST_NODE.has(sample.status ?? 0)) orphans.set(tag, item)
    else orphans.delete(tag)
  }
}
