/** One subscription, from its creation to the loss of it, under a watchdog of freshness. */
import {
  AttributeIds,
  ClientMonitoredItemGroup,
  type ClientSession,
  type ClientSubscription,
  type DataValue,
  TimestampsToReturn,
} from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Sample, Tag } from '../../../protocol/model.ts'
import { BAD_NODE_ID_UNKNOWN, resolveNodeId } from './node-ids.ts'
import type { OpcuaOptions } from './options.ts'
import { badSample, toSample } from './values.ts'

/** Items a CreateMonitoredItems request: below the operation limit of small servers. */
const MAX_ITEMS_PER_CALL = 500
/** A server ends a subscription nobody collects after so many keep-alives. */
const LIFETIME_KEEP_ALIVES = 10

/** What one session's services need. */
export interface Conversation {
  session: ClientSession
  options: OpcuaOptions
  /** Of this session: the index of a namespace may change when the server restarts. */
  namespaces: readonly string[]
  /** Rejects when the line or the session is gone; never resolves. */
  lost: Promise<never>
  /** Puts our deadline on a call of the library, and the end of the line, whichever comes first. */
  call<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>
}

export interface SubscriptionOrder {
  tags: readonly Tag[]
  emit(samples: Sample[]): void
}

/** Resolves when the signal aborts. Throws Fault 'driver.timeout' (no sign of life) or 'driver.disconnected'. */
export async function runSubscription(
  host: Conversation,
  { tags, emit }: SubscriptionOrder,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return
  const { options, session, call } = host
  const { endpoint } = options
  const ended = new AbortController()
  const outbox = createBatch((samples) => {
    if (!signal.aborted && !ended.signal.aborted) emit(samples)
  })
  try {
    const subscription = await call(
      session.createSubscription2(subscriptionOptions(options)),
      signal,
    )
    const over = Promise.withResolvers<never>()
    over.promise.catch(() => {})
    const end = () => over.reject(new Fault('driver.disconnected', { endpoint }))
    subscription.on('terminated', end)
    subscription.on('status_changed', end)
    subscription.on('internal_error', end)
    const watch = watchFreshness(subscription, options, signal)
    monitorTags({ host, subscription, push: outbox.push }, tags, signal).catch(over.reject)
    await Promise.race([watch, over.promise, host.lost])
    if (!signal.aborted) return
    // Told to stop on a line that works: the server need not wait for its own timeout.
    await call(subscription.terminate(), AbortSignal.timeout(options.timeoutMs)).catch(() => {})
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    ended.abort()
  }
}

function subscriptionOptions({ publishingIntervalMs, keepAliveMs }: OpcuaOptions) {
  const keepAlives = Math.max(1, Math.round(keepAliveMs / publishingIntervalMs))
  return {
    requestedPublishingInterval: publishingIntervalMs,
    requestedMaxKeepAliveCount: keepAlives,
    requestedLifetimeCount: keepAlives * LIFETIME_KEEP_ALIVES,
    // No limit of ours: a publication is bounded by the queue sizes and the message limit.
    maxNotificationsPerPublish: 0,
    publishingEnabled: true,
    priority: 10,
  }
}

/**
 * Throws when neither a notification nor a keep-alive came in time: a connected socket proves nothing.
 * A server that revised the keep-alive upwards is given twice its own period.
 */
async function watchFreshness(
  subscription: ClientSubscription,
  { endpoint, silenceMs }: OpcuaOptions,
  signal: AbortSignal,
): Promise<void> {
  let heardMs = performance.now()
  const hear = () => {
    heardMs = performance.now()
  }
  subscription.on('keepalive', hear)
  subscription.on('received_notifications', hear)
  const revisedMs = subscription.publishingInterval * subscription.maxKeepAliveCount
  const limitMs = Math.max(silenceMs, 2 * revisedMs)
  for (;;) {
    const leftMs = heardMs + limitMs - performance.now()
    if (leftMs <= 0) throw new Fault('driver.timeout', { endpoint, timeoutMs: limitMs })
    if (!(await wait(leftMs, signal))) return
  }
}

interface Monitor {
  host: Conversation
  subscription: ClientSubscription
  push(sample: Sample): void
}

/** Subscribes all tags; those the server does not know are bad at once and asked for again from time to time. */
async function monitorTags(
  monitor: Monitor,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<void> {
  let missing = await addItems(monitor, tags, signal)
  for (const { tag, status } of missing) monitor.push(badSample(tag, Date.now(), status))
  while (missing.length > 0) {
    if (!(await wait(monitor.host.options.nodeRetryMs, signal))) return
    missing = await addItems(
      monitor,
      missing.map(({ tag }) => tag),
      signal,
    )
  }
}

interface MissingTag {
  tag: Tag
  status: number
}

async function addItems(
  monitor: Monitor,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<MissingTag[]> {
  const missing: MissingTag[] = []
  const known: { tag: Tag; nodeId: string }[] = []
  for (const tag of tags) {
    const nodeId = resolveNodeId(String(tag.address.nodeId), monitor.host.namespaces)
    if (nodeId === undefined) missing.push({ tag, status: BAD_NODE_ID_UNKNOWN })
    else known.push({ tag, nodeId })
  }
  for (let from = 0; from < known.length; from += MAX_ITEMS_PER_CALL) {
    missing.push(...(await addPart(monitor, known.slice(from, from + MAX_ITEMS_PER_CALL), signal)))
  }
  return missing
}

async function addPart(
  { host, subscription, push }: Monitor,
  part: readonly { tag: Tag; nodeId: string }[],
  signal: AbortSignal,
): Promise<MissingTag[]> {
  const { options, call } = host
  const items = part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }))
  const parameters = {
    samplingInterval: options.samplingIntervalMs,
    queueSize: options.queueSize,
    discardOldest: true,
  }
  const group = ClientMonitoredItemGroup.create(
    subscription,
    items,
    parameters,
    TimestampsToReturn.Both,
  )
  // Before anything is awaited: the first values may come in the very next packet.
  group.on('changed', (_item: unknown, data: DataValue, index: number) => {
    const tag = part[index]?.tag
    if (!tag) return
    push(toSample(tag, data, { timestamp: options.timestamp, arrivedAt: Date.now() }))
  })
  const ready = Promise.withResolvers<void>()
  group.on('initialized', () => ready.resolve())
  group.on('err', (message) => ready.reject(new Error(message)))
  await call(ready.promise, signal)
  return part.flatMap(({ tag }, index) => {
    const status = group.monitoredItems[index]?.result?.statusCode.value ?? BAD_NODE_ID_UNKNOWN
    return status === 0 ? [] : [{ tag, status }]
  })
}

/** Gathers what one packet brings, so that it is handed on in one piece. */
function createBatch(flush: (samples: Sample[]) => void): { push(sample: Sample): void } {
  let pending: Sample[] = []
  return {
    push(sample) {
      if (pending.push(sample) > 1) return
      setImmediate(() => {
        const samples = pending
        pending = []
        flush(samples)
      })
    },
  }
}
