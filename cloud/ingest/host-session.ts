/** One MQTT session of the host application: will, subscriptions, STATE birth, and STATE death at the end. */
import type { IClientOptions, MqttClient } from 'mqtt'
import type { Log } from '../../protocol/kit/log.ts'
import { formatState, parseState } from '../../protocol/sparkplug/delivery.ts'
import { formatTopic, NAMESPACE } from '../../protocol/sparkplug/topic.ts'

export interface HostSessionOptions {
  connect(options: Partial<IClientOptions>): MqttClient
  hostId: string
  /** For STATE; never goes back. */
  now: () => number
  log: Log
  receive(topic: string, bytes: Uint8Array): void
  /** The client while STATE says online, undefined after. */
  online(client: MqttClient | undefined): void
  /** Last chance to acknowledge, with the link still up. */
  beforeFarewell(): Promise<void>
  signal: AbortSignal
}

const KEEPALIVE_S = 20
/** A broker that does not take the farewell by then has the will. */
const FAREWELL_MS = 3_000

/** Runs one session to its end; answers whether it was ever online. Never throws. */
export async function runHostSession(options: HostSessionOptions): Promise<boolean> {
  const { hostId, now, log, signal } = options
  const topic = formatTopic({ type: 'STATE', host: hostId })
  // tck-id-host-topic-phid-death-payload-timestamp-connect, -birth-payload-timestamp: one time for both.
  const timestamp = now()
  const client = options.connect(createConnect(topic, timestamp))
  const ended = new Promise<void>((resolve) => {
    client.once('close', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
  })
  client.on('error', (error) => log.debug({ error: error.message }, 'mqtt error'))
  let online = false
  const birth = () =>
    client.publishAsync(topic, formatState({ online: true, timestamp }), { qos: 1, retain: true })
  client.on('message', (text, bytes) => {
    // While we say goodbye nothing new is taken, or the last commit would never be the last.
    if (signal.aborted) return
    if (text !== topic) options.receive(text, bytes)
    // tck-id-message-flow-hid-sparkplug-state-message-delivered: a late will of an older session is overruled.
    else if (online && parseState(bytes.toString('utf8'))?.online === false) {
      birth().catch(() => undefined)
    }
  })
  const start = async () => {
    if (!(await connected(client))) return
    // tck-id-message-flow-phid-sparkplug-subscription: before the birth.
    await client.subscribeAsync([topic, `${NAMESPACE}/#`], { qos: 1 })
    await birth()
    online = true
    log.info({ hostId }, 'ingest online')
    options.online(client)
  }
  const started = start().catch((error) => log.debug({ error: String(error) }, 'session failed'))
  await Promise.race([ended, started.then(() => (online ? ended : undefined))])
  const wasOnline = online
  if (client.connected) await options.beforeFarewell()
  online = false
  options.online(undefined)
  await farewell(client, topic, now())
  if (wasOnline) log.info({ hostId }, 'ingest offline')
  return wasOnline
}

function createConnect(topic: string, timestamp: number): Partial<IClientOptions> {
  return {
    // tck-id-message-flow-phid-sparkplug-clean-session-311
    clean: true,
    protocolVersion: 4,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    will: {
      topic,
      payload: Buffer.from(formatState({ online: false, timestamp })),
      qos: 1,
      retain: true,
    },
  }
}

function connected(client: MqttClient): Promise<boolean> {
  return new Promise((resolve) => {
    if (client.connected) return resolve(true)
    client.once('connect', () => resolve(true))
    client.once('close', () => resolve(false))
  })
}

/** tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean. */
async function farewell(client: MqttClient, topic: string, timestamp: number): Promise<void> {
  const deadline = AbortSignal.timeout(FAREWELL_MS)
  const late = new Promise<void>((resolve) => {
    deadline.addEventListener('abort', () => resolve(), { once: true })
  })
  if (client.connected) {
    const said = client.publishAsync(topic, formatState({ online: false, timestamp }), {
      qos: 1,
      retain: true,
    })
    await Promise.race([said.catch(() => undefined), late])
  }
  await Promise.race([client.endAsync(!client.connected).catch(() => undefined), late])
  client.end(true)
}
