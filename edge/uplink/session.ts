/** One MQTT session of the edge node: CONNECT with its will, wait for the host, births, data, death. */
import mqtt from 'mqtt'
import type { BatchRange } from '../../protocol/sparkplug/delivery.ts'
import {
  type HostState,
  nodeMetrics,
  parseState,
  readRange,
} from '../../protocol/sparkplug/delivery.ts'
import { decodePayload, encodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { formatTopic, parseTopic } from '../../protocol/sparkplug/topic.ts'
import { typeValue } from '../../protocol/sparkplug/values.ts'
import { createBell } from './bell.ts'
import { createBdSeq, nodeMetricName } from './catalogue.ts'
import type { Session, SessionContext } from './context.ts'
import { createPublisher } from './publisher.ts'
import { pumpDelivery } from './pump.ts'

/** A dead link must be noticed within 1.5 times this, by us and by the broker (MQTT 3.1.1, 3.1.2.10). */
const KEEPALIVE_S = 20
const CONNECT_TIMEOUT_MS = 15_000
/** A broker that does not take the NDEATH by then gets the will instead. */
const FAREWELL_MS = 3_000

/** Runs one session to its end; answers whether it ever got as far as its births. Never throws. */
export async function runSession(
  context: SessionContext,
  bdSeq: number,
  signal: AbortSignal,
): Promise<boolean> {
  const ending = new AbortController()
  const end = () => ending.abort()
  signal.addEventListener('abort', end)
  const client = connect(context, bdSeq)
  client.on('close', end)
  client.on('error', (error) => context.log.debug({ error: error.message }, 'mqtt error'))
  const session: Session = {
    context,
    bdSeq,
    publisher: createPublisher(context, client, ending.signal),
    bell: createBell(),
    signal: ending.signal,
    rebirthWanted: false,
  }
  let born = false
  try {
    if (!(await connected(client, ending.signal))) return false
    client.on('message', (topic, bytes) => receive({ session, topic, bytes, end }))
    await subscribe(client, context)
    if (!(await hostOnline(session))) return false
    born = true
    context.status.begin(bdSeq)
    context.wake = session.bell.ring
    await pumpDelivery(session)
  } catch (error) {
    context.log.debug({ error: String(error) }, 'session failed')
  } finally {
    context.wake = undefined
    context.status.end()
    signal.removeEventListener('abort', end)
    await farewell(client, session, born)
  }
  return born
}

function connect(context: SessionContext, bdSeq: number): mqtt.MqttClient {
  const { options, now } = context
  return mqtt.connect(options.url, {
    ...options.tls,
    rejectUnauthorized: true,
    clientId: options.clientId,
    // tck-id-principles-persistence-clean-session-311
    protocolVersion: 4,
    clean: true,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Every CONNECT needs a will of its own, so every try is ours, not the library's.
    reconnectPeriod: 0,
    // Data published while offline would go out before the NBIRTH: the outbox keeps it instead.
    queueQoSZero: false,
    resubscribe: false,
    will: {
      topic: formatTopic({ type: 'NDEATH', site: options.site, gateway: options.gateway }),
      payload: Buffer.from(death(bdSeq, now())),
      qos: 1,
      retain: false,
    },
  })
}

/** tck-id-payloads-ndeath-seq: no sequence number; tck-id-topics-ndeath-payload: bdSeq only. */
function death(bdSeq: number, at: number): Uint8Array {
  return encodePayload({ at, metrics: [createBdSeq(bdSeq, at)] })
}

function connected(client: mqtt.MqttClient, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    client.once('connect', () => resolve(true))
    signal.addEventListener('abort', () => resolve(false), { once: true })
    if (signal.aborted) resolve(false)
  })
}

async function subscribe(client: mqtt.MqttClient, { options }: SessionContext): Promise<void> {
  const { site, gateway } = options
  const command = formatTopic({ type: 'NCMD', site, gateway })
  await client.subscribeAsync(
    [
      command,
      `${command.replace('/NCMD/', '/DCMD/')}/+`,
      formatTopic({ type: 'STATE', host: options.primaryHost }),
    ],
    { qos: 1 },
  )
}

/** tck-id-message-flow-edge-node-birth-publish-phid-wait. */
async function hostOnline({ context, bell, signal }: Session): Promise<boolean> {
  while (!context.host.online && !signal.aborted) await bell.wait(60_000, signal)
  return !signal.aborted
}

interface Received {
  session: Session
  topic: string
  bytes: Uint8Array
  end(): void
}

/** Never throws: a message of a stranger must not end the session. */
function receive({ session, topic: text, bytes, end }: Received): void {
  const topic = parseTopic(text)
  const { context, bell } = session
  if (topic?.type === 'STATE') {
    const state = parseState(Buffer.from(bytes).toString('utf8'))
    if (state) applyState(context.host, state)
    else context.counters.refusedMessages += 1
    if (!context.host.online && context.status.born()) end()
    bell.ring()
    return
  }
  try {
    const { metrics } = decodePayload(bytes)
    if (topic?.type === 'NCMD') for (const metric of metrics) nodeCommand(session, metric)
    if (topic?.type === 'DCMD')
      for (const metric of metrics) deviceCommand(session, topic.device, metric)
    const range = topic?.type === 'NCMD' ? readRange(metrics.map(named), 'acknowledged') : undefined
    if (range) acknowledge(session, range)
  } catch (error) {
    context.counters.refusedMessages += 1
    context.log.debug({ topic: text, error: String(error) }, 'message refused')
  }
}

function named(metric: Metric): Metric {
  return { ...metric, name: nodeMetricName(metric) }
}

/**
 * tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp and
 * tck-id-operational-behavior-edge-node-termination-host-offline-timestamp: what is older than the last word is ignored.
 */
export function applyState(host: HostState, state: HostState): void {
  if (state.timestamp < host.timestamp) return
  host.online = state.online
  host.timestamp = state.timestamp
}

function nodeCommand(session: Session, metric: Metric): void {
  const name = nodeMetricName(metric)
  if (name === nodeMetrics.rebirth && metric.value === true) {
    session.rebirthWanted = true
    session.bell.ring()
    return
  }
  if (name === undefined || name === nodeMetrics.from || name === nodeMetrics.acknowledged) return
  session.context.options.onCommand?.({ metric: name, value: metric.value })
}

function deviceCommand(session: Session, device: string, metric: Metric): void {
  const found = session.context.catalogue.find(device, metric)
  const value =
    found && metric.value !== null ? typeValue(metric.value, found.declared.type) : undefined
  if (!found || value === undefined) {
    session.context.counters.refusedMessages += 1
    return
  }
  session.context.options.onCommand?.({ device, metric: found.declared.name, tag: found.id, value })
}

function acknowledge({ context, bell }: Session, range: BatchRange): void {
  if (!context.queue.acknowledged(range)) return
  context.options.outbox.acknowledge(range.from, range.to)
  context.counters.acknowledgedBatches += range.to - range.from + 1
  bell.ring()
}

/** tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath: MQTT 3.1.1 discards the will on DISCONNECT, so we say it ourselves. */
async function farewell(client: mqtt.MqttClient, session: Session, born: boolean): Promise<void> {
  const { context, bdSeq } = session
  const { site, gateway } = context.options
  const deadline = AbortSignal.timeout(FAREWELL_MS)
  const late = new Promise<void>((resolve) => {
    deadline.addEventListener('abort', () => resolve(), { once: true })
  })
  if (born && client.connected) {
    const topic = formatTopic({ type: 'NDEATH', site, gateway })
    const payload = Buffer.from(death(bdSeq, context.now()))
    const said = client.publishAsync(topic, payload, { qos: 1, retain: false })
    await Promise.race([said.catch(() => undefined), late])
  }
  // Forced: the socket is destroyed at once if it is already gone; a clean DISCONNECT otherwise.
  await Promise.race([client.endAsync(!client.connected).catch(() => undefined), late])
  client.end(true)
}
