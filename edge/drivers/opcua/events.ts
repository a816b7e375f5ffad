/** Alarms & conditions of the server as samples of event tags, from their present state on. */
import {
  AttributeIds,
  ClientMonitoredItemGroup,
  DataType,
  TimestampsToReturn,
  type Variant,
} from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import { quality, type Tag, type Value } from '../../../protocol/model.ts'
import { addressOf, type EventField } from './address.ts'
import { ConditionStates, fieldOf, SERVER } from './condition-states.ts'
import { createEventFilter, readEvent, type ServerEvent, streamEvents } from './event-fields.ts'
import { awaitGroup, type MonitorOptions } from './monitored-items.ts'
import { codes } from './node-ids.ts'
import { tellOnce } from './notice.ts'
import { badSample } from './values.ts'

/** Events the server keeps between two publications. */
const EVENT_QUEUE = 1000
/** ConditionType and its method ConditionRefresh (Part 9, 5.5.7). */
const CONDITION_TYPE = 'i=2782'
const CONDITION_REFRESH = 'i=3875'

/** Listens at the server's notifier; resolves when all tags are known or the signal aborts. */
export async function monitorEvents(
  monitor: MonitorOptions,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<void> {
  if (tags.length === 0) return
  const refresh = async () => {
    if (await refreshConditions(monitor, signal)) return
    tellOnce(monitor.host, 'the server cannot refresh conditions; event tags begin with an event')
  }
  let isRefreshing = false
  const stream = createStream(monitor, () => {
    if (isRefreshing) return
    isRefreshing = true
    // A line that ends meanwhile is told by the subscription itself.
    const done = () => {
      isRefreshing = false
    }
    refresh().then(done, done)
  })
  const status = await listen(monitor, stream.take, signal)
  if (status !== 0) {
    for (const tag of tags) monitor.push(badSample(tag, Date.now(), status))
    return
  }
  let missing = await stream.add(tags, signal)
  for (const { tag, status: why } of missing) monitor.push(badSample(tag, Date.now(), why))
  await refresh()
  while (missing.length > 0) {
    if (!(await wait(monitor.host.options.nodeRetryMs, signal))) return
    const count = missing.length
    const again = missing.map(({ tag }) => tag)
    missing = await stream.add(again, signal)
    if (missing.length < count) await refresh()
  }
}

interface Listener {
  tag: Tag
  node: string
  field: EventField
}

/** Turns events into samples of the tags added so far. */
function createStream({ host, push }: MonitorOptions, refresh: () => void) {
  const listeners: Listener[] = []
  const states = new ConditionStates()
  const emit = ({ tag }: Listener, value: Value, at: number) =>
    push({ tag: tag.id, at, value, quality: quality.good, status: 0 })
  const emitStates = (at: number) => {
    for (const listener of listeners) {
      const { field, node } = listener
      if (field !== 'ActiveState' && field !== 'AckedState') continue
      emit(listener, states.valueOf(node, field), at)
    }
  }
  const takeEvent = (event: ServerEvent) => {
    if (!states.take(event)) tellOnce(host, 'the server has too many conditions; some are left out')
    const arrivedAt = Date.now()
    const at = host.options.timestamp === 'gather' ? arrivedAt : (event.at ?? arrivedAt)
    for (const listener of listeners) {
      const { node, field } = listener
      if (node !== SERVER && node !== event.condition && node !== event.source) continue
      const isState = field === 'ActiveState' || field === 'AckedState'
      const value = isState ? states.valueOf(node, field) : fieldOf(event, field)
      // An event that is no condition says nothing of states.
      if (value === undefined || (isState && event.condition === undefined)) continue
      emit(listener, value, at)
    }
  }
  return {
    take(event: ServerEvent) {
      const { type } = event
      if (type === streamEvents.refreshStart) return states.startRefresh()
      if (type === streamEvents.refreshRequired || type === streamEvents.overflow) return refresh()
      if (type !== streamEvents.refreshEnd) return takeEvent(event)
      states.endRefresh()
      emitStates(Date.now())
    },
    async add(tags: readonly Tag[], signal: AbortSignal) {
      const places = await host.nodes.resolve(tags, signal)
      return tags.flatMap((tag, i) => {
        const place = places[i] ?? { status: codes.badNodeIdUnknown }
        const { event } = addressOf(tag)
        if ('status' in place) return [{ tag, status: place.status }]
        if (event) listeners.push({ tag, node: place.nodeId, field: event })
        return []
      })
    },
  }
}

/** The status of the one monitored item. */
async function listen(
  { host, subscription }: MonitorOptions,
  take: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<number> {
  const group = ClientMonitoredItemGroup.create(
    subscription,
    [{ nodeId: SERVER, attributeId: AttributeIds.EventNotifier }],
    {
      samplingInterval: 0,
      queueSize: EVENT_QUEUE,
      discardOldest: true,
      filter: createEventFilter(),
    },
    TimestampsToReturn.Neither,
  )
  // The library declares a DataValue here; of an event it is the list of its fields.
  group.on('changed', (_item: unknown, values: unknown) => {
    const event = Array.isArray(values) ? readEvent(values as Variant[]) : undefined
    if (event) take(event)
  })
  await host.call(awaitGroup(group), signal)
  return group.monitoredItems[0]?.statusCode?.value ?? codes.badNodeIdUnknown
}

/** Asks for the conditions that are on now; false when the server cannot. */
async function refreshConditions(
  { host, subscription }: MonitorOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const request = {
    objectId: CONDITION_TYPE,
    methodId: CONDITION_REFRESH,
    inputArguments: [{ dataType: DataType.UInt32, value: subscription.subscriptionId }],
  }
  const { statusCode } = await host.call(host.session.call(request), signal)
  return statusCode.isGood()
}
