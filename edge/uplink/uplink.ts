/** The gateway's side of the wire: a Sparkplug B 3.0 edge node over MQTT, with delivery acknowledged end to end. */
import { type BackoffOptions, pause } from '../../protocol/kit/backoff.ts'
import type { DeviceId, Gap, Sample } from '../../protocol/model.ts'
import { nextSequence } from '../../protocol/sparkplug/sequence.ts'
import { createCatalogue } from './catalogue.ts'
import type { SessionContext, UplinkCounters, UplinkOptions } from './context.ts'
import { createDeliveryQueue } from './delivery-queue.ts'
import { runSession } from './session.ts'

export type { Command, UplinkOptions } from './context.ts'

export interface UplinkState extends UplinkCounters {
  /** Births are out and data flows. */
  connected: boolean
  /** Since when that is so (or not), Unix ms. */
  since: number
  hostOnline: boolean
  bdSeq: number
  /** Samples whose value did not fit the declared type (sent as bad quality). */
  misfits: number
}

export interface Uplink extends AsyncDisposable {
  /** A batch just appended to the outbox; not sent now (no session, socket full), it goes later as history. */
  publish(number: number, samples: Sample[], gaps: Gap[]): void
  /** The device went online or offline, or its tags changed. */
  deviceChanged(device: DeviceId): void
  state(): UplinkState
}

/** What only this file sees of it. */
interface OwnContext extends SessionContext {
  status: ReturnType<typeof createStatus>
}

/** Wide enough for a commit of a busy historian; a lost acknowledgement costs one resend. */
const ACK_TIMEOUT_MS = 10_000
/** Live batches that may wait for a slow socket before they become history. */
const MAX_LIVE = 256
/** Two seconds of a 5,000 tags/s gateway. */
const MAX_HISTORICAL = 10_000
/** A broker that restarts is met within seconds, a regional outage is not hammered. */
const BACKOFF: BackoffOptions = { minMs: 500, maxMs: 60_000 }
/** A session that ends sooner counts as a failed try: two gateways of one identity would put each other out for ever. */
const MIN_SESSION_MS = 5_000

/** Connects, and reconnects for ever, until disposed; the NDEATH is with the broker when disposal resolves. */
export function openUplink(options: UplinkOptions): Uplink {
  const context = createContext(options)
  const stop = new AbortController()
  const loop = runSessions(context, stop.signal)
  const { status } = context
  return {
    publish(number, samples, gaps) {
      if (!status.born()) return
      context.queue.offer({ number, samples, gaps })
      context.wake?.()
    },
    deviceChanged(device) {
      context.changed.add(device)
      context.wake?.()
    },
    state: () => ({
      ...context.counters,
      ...status.view(),
      hostOnline: context.host.online,
      misfits: context.catalogue.misfits(),
    }),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await loop
    },
  }
}

function createContext(options: UplinkOptions): OwnContext {
  const now = options.now ?? Date.now
  return {
    options,
    now,
    log: options.log,
    catalogue: createCatalogue(),
    queue: createDeliveryQueue({
      ackTimeoutMs: options.ackTimeoutMs ?? ACK_TIMEOUT_MS,
      maxLive: MAX_LIVE,
      maxHistorical: MAX_HISTORICAL,
    }),
    counters: {
      connects: 0,
      births: 0,
      messages: 0,
      liveSamples: 0,
      historicalSamples: 0,
      acknowledgedBatches: 0,
      expiredRanges: 0,
      refusedMessages: 0,
    },
    host: { online: false, timestamp: 0 },
    changed: new Set<DeviceId>(),
    wake: undefined,
    status: createStatus(options, now),
  }
}

function createStatus({ log }: UplinkOptions, now: () => number) {
  const view = { connected: false, since: now(), bdSeq: 0 }
  const change = (connected: boolean) => {
    if (connected === view.connected) return
    const lastedMs = now() - view.since
    view.connected = connected
    view.since = now()
    log.info({ lastedMs }, connected ? 'uplink online' : 'uplink offline')
  }
  return {
    begin(bdSeq: number) {
      view.bdSeq = bdSeq
      change(true)
    },
    end: () => change(false),
    born: () => view.connected,
    view: () => view,
  }
}

/** One session after the other; bdSeq starts at 0 and rises with every CONNECT (tck-id-topics-nbirth-bdseq-increment). */
async function runSessions(context: SessionContext, signal: AbortSignal): Promise<void> {
  let failures = 0
  for (let bdSeq = 0; !signal.aborted; bdSeq = nextSequence(bdSeq)) {
    context.counters.connects += 1
    // What the host said in the last session may be outdated; its retained STATE will tell.
    context.host.online = false
    const startedMs = performance.now()
    const born = await runSession(context, bdSeq, signal)
    failures = born && performance.now() - startedMs >= MIN_SESSION_MS ? 0 : failures + 1
    await pause(failures, context.options.backoff ?? BACKOFF, signal)
  }
}
