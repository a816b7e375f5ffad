/** One subscription, from its creation to the loss of it, under a watchdog of freshness. */
import type { ClientSubscription } from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Sample, Tag } from '../../../protocol/model.ts'
import { MAX_LAG_MS } from '../driver.ts'
import { addressOf } from './address.ts'
import type { Conversation } from './conversation.ts'
import { monitorEvents } from './events.ts'
import { readMessages } from './messages.ts'
import { monitorTags } from './monitor-tags.ts'
import { codes } from './node-ids.ts'
import type { OpcuaOptions } from './options.ts'
import { badSample } from './values.ts'

/** A server ends a subscription nobody collects after so many keep-alives. */
const LIFETIME_KEEP_ALIVES = 10

export interface SubscriptionOrder {
  tags: readonly Tag[]
  emit(samples: Sample[], knownAt?: number): void
}

/**
 * Resolves when the signal aborts. Throws Fault 'driver.timeout' (no sign of life), 'driver.disconnected' or
 * 'driver.foreign-reply' (a notification is missing: the tags are bad since the last one that came).
 */
export async function runSubscription(
  host: Conversation,
  { tags, emit }: SubscriptionOrder,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return
  const { options, session, call } = host
  const { endpoint } = options
  const ended = new AbortController()
  const outbox = createBatch((samples, knownAt) => {
    if (!signal.aborted && !ended.signal.aborted) emit(samples, knownAt)
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
    const onBroken = (error: unknown) => {
      if (signal.aborted || ended.signal.aborted) return
      const lastAt = outbox.flush()
      ended.abort()
      const known = lastAt === undefined ? [] : tags.filter(({ id }) => !host.missing.has(id))
      if (known.length > 0)
        emit(known.map((tag) => badSample(tag, Number(lastAt) + 1, codes.badDataLost)))
      over.reject(error)
    }
    // Servers leave the publish time of a keep-alive empty; every answer tells when it was sent.
    const onKeepAlive = () => outbox.hear(host.answeredAt())
    const messages = readMessages(subscription, { endpoint, onBroken, onKeepAlive })
    const watch = watchFreshness(subscription, options, signal)
    const { push, noteSampling } = outbox
    const monitor = { host, subscription, messages, push, noteSampling }
    const isEvent = (tag: Tag) => addressOf(tag).event !== undefined
    const values = tags.filter((tag) => !isEvent(tag))
    monitorTags(monitor, values, signal).catch(over.reject)
    monitorEvents(monitor, tags.filter(isEvent), signal).catch(over.reject)
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

interface Batch {
  push(sample: Sample): void
  /** The server had nothing to tell at that time, by its clock. */
  hear(at: number): void
  /** A node is looked at so often only: what has changed shows so much later. */
  noteSampling(intervalMs: number): void
  /** Hands on what is pending now; until when all tags were known, Unix ms; undefined when nothing was ever told. */
  flush(): number | undefined
}

/** Gathers what one packet brings, so that it is handed on in one piece. */
function createBatch(hand: (samples: Sample[], knownAt?: number) => void): Batch {
  let pending: Sample[] = []
  let heardAt: number | undefined
  let newest: number | undefined
  let samplingMs = 0
  const flush = () => {
    const samples = pending
    const calmAt = heardAt
    pending = []
    heardAt = undefined
    const now = Date.now()
    // A source ahead of us says nothing of the others' future.
    for (const { at } of samples) newest = Math.max(newest ?? 0, Math.min(at, now))
    const knownAt = newest === undefined ? undefined : newest - samplingMs
    const known = (at: number) => (now - at > MAX_LAG_MS ? now : at) - samplingMs
    if (samples.length > 0) hand(samples, newest && known(newest))
    if (calmAt !== undefined) hand([], known(calmAt))
    return knownAt
  }
  const schedule = () => {
    if (pending.length === 0 && heardAt === undefined) setImmediate(flush)
  }
  return {
    push(sample) {
      schedule()
      pending.push(sample)
    },
    hear(at) {
      schedule()
      heardAt = at
    },
    noteSampling(intervalMs) {
      samplingMs = Math.max(samplingMs, intervalMs)
    },
    flush,
  }
}
