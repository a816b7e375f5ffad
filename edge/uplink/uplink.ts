/** The gateway's side of the wire: a Sparkplug B 3.0 edge node over MQTT, with delivery acknowledged end to end. */
import { randomBytes } from 'node:crypto'
import { type BackoffOptions, pause } from '../../protocol/kit/backoff.ts'
import type { DeviceId, Gap } from '../../protocol/model.ts'
import type { Samples } from '../readings.ts'
import { openBirthSequence } from './birth-sequence.ts'
import { createCatalogue } from './catalogue.ts'
import type { SessionContext, UplinkCounters, UplinkOptions } from './context.ts'
import { createDeliveryQueue } from './delivery-queue.ts'
import { createHostWatch } from './host-watch.ts'
import { createServerWalk, type ServerWalk } from './server-walk.ts'
import { runSession } from './session.ts'
import { type Contest, createTakeoverWatch, type TakeoverWatch } from './takeover-watch.ts'

export type { Command, UplinkOptions } from './context.ts'

export interface UplinkState extends UplinkCounters {
  /** Births are out and data flows. */
  connected: boolean
  /** Since when that is so (or not), Unix ms. */
  since: number
  hostOnline: boolean
  bdSeq: number
  /** The server of the running or the next session. */
  server: string
  /** Sessions ended by a broker that took us back at once: somebody else connects with our identity. */
  takeovers: number
  /** So many of them that we only try now and then. */
  contest: Contest | undefined
  /** Samples whose value did not fit the declared type (sent as bad quality). */
  misfits: number
}

export interface Uplink extends AsyncDisposable {
  /** A batch just appended to the outbox; not sent now (no session, socket full), it goes later as history. */
  publish(number: number, samples: Samples, gaps: Gap[]): void
  /** The device went online or offline, or its tags changed. */
  deviceChanged(device: DeviceId): void
  /** Says farewell to the broker and connects anew, at once: for a new certificate. Nothing is lost. */
  reconnect(): void
  state(): UplinkState
}

/** What only this file sees of it. */
interface OwnContext extends SessionContext {
  status: ReturnType<typeof createStatus>
  walk: ServerWalk
  takeovers: TakeoverWatch
}

/** Wide enough for a commit of a busy historian; a lost acknowledgement costs one resend. */
const ACK_TIMEOUT_MS = 10_000
/** Live batches that may wait for a slow socket before they become history. */
const MAX_LIVE = 256
/** And samples in them: some 12 MB. */
const MAX_LIVE_SAMPLES = 100_000
/** Two seconds of a 5,000 tags/s gateway. */
const MAX_HISTORICAL = 10_000
/** A broker that restarts is met within seconds, a regional outage is not hammered. */
const BACKOFF: BackoffOptions = { minMs: 500, maxMs: 60_000 }
/** No two stores ever share a name of so many random bytes. */
const STORE_BYTES = 12
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
    reconnect: () => context.again.abort(),
    state: () => ({
      ...context.counters,
      ...status.view(),
      hostOnline: context.host.verdict() === 'online',
      server: context.walk.current(),
      takeovers: context.takeovers.total(),
      contest: context.takeovers.contest(context.now()),
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
  const takeovers = createTakeoverWatch()
  return {
    options,
    now,
    log: options.log,
    store: randomBytes(STORE_BYTES).toString('base64url'),
    catalogue: createCatalogue(),
    queue: createDeliveryQueue({
      ackTimeoutMs: options.ackTimeoutMs ?? ACK_TIMEOUT_MS,
      maxLive: MAX_LIVE,
      maxLiveSamples: MAX_LIVE_SAMPLES,
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
      foreignAnswers: 0,
      rebirthRequests: 0,
      staleStates: 0,
    },
    host: createHostWatch([options.primaryHost, ...(options.standbyHosts ?? [])]),
    changed: new Set<DeviceId>(),
    wake: undefined,
    status: createStatus(options, now),
    walk: createServerWalk([options.url, ...(options.otherUrls ?? [])]),
    takeovers,
    accepted(tls) {
      takeovers.tried(true)
      if (tls) options.tls?.judged(tls, true)
    },
    again: new AbortController(),
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

/** One session after the other; bdSeq rises with every CONNECT (tck-id-topics-nbirth-bdseq-increment). */
async function runSessions(context: OwnContext, signal: AbortSignal): Promise<void> {
  const { options, walk, takeovers } = context
  const births = openBirthSequence(options.birthSequenceFile)
  const backoff = options.backoff ?? BACKOFF
  const isOnly = (options.otherUrls ?? []).length === 0
  const watchContest = createContestLog(context)
  while (!signal.aborted) {
    context.counters.connects += 1
    const server = walk.current()
    // What the host said in the last session may be outdated; its retained STATE will tell.
    context.host.begin(server)
    const startedMs = performance.now()
    // mqtt.js would turn a mqtt:// into mqtts:// where it sees a key.
    const tls = server.startsWith('mqtts:') ? options.tls?.use() : undefined
    const place = { server, bdSeq: births.next(), isOnly, tls }
    context.again = new AbortController()
    const either = AbortSignal.any([signal, context.again.signal])
    const { end, accepted, born } = await runSession(context, place, either)
    if (tls && !accepted && !either.aborted) options.tls?.judged(tls, false)
    if (!accepted) takeovers.tried(false)
    else if (end === 'ended-there') takeovers.ended(context.now())
    walk.after(end, born && performance.now() - startedMs >= MIN_SESSION_MS)
    // Whoever comes back at once only puts the other one out again: both would say much and deliver nothing.
    const rest = { ...backoff, minMs: watchContest() ? backoff.maxMs : backoff.minMs }
    await pause(walk.failures(), rest, either)
  }
}

/** Tells when the contest begins and when it is over; answers whether there is one. */
function createContestLog({ takeovers, now, log, options }: OwnContext): () => boolean {
  let contested = false
  return () => {
    const contest = takeovers.contest(now())
    if (contested !== (contest !== undefined)) {
      contested = contest !== undefined
      const { clientId } = options
      if (contest)
        log.warn(
          { clientId, ...contest },
          'another gateway seems to use this identity: backing off',
        )
      else log.info({ clientId }, 'no other gateway uses this identity any more')
    }
    return contested
  }
}
