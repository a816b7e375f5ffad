/** The MQTT client of one session: CONNECT with its will, the subscriptions, and the farewell. */
import mqtt from 'mqtt'
import { writeToStream } from 'mqtt-packet'
import { encodePayload } from '../../protocol/sparkplug/payload.ts'
import { formatTopic } from '../../protocol/sparkplug/topic.ts'
import { createBdSeq } from './catalogue.ts'
import type { SessionContext } from './context.ts'
import type { Place } from './session.ts'

/** A dead link must be noticed within 1.5 times this, by us and by the broker (MQTT 3.1.1, 3.1.2.10). */
const KEEPALIVE_S = 20
const CONNECT_TIMEOUT_MS = 15_000
/** A broker that does not take the NDEATH by then gets the will instead. */
const FAREWELL_MS = 3_000

// mqtt.js' own writer of packets keeps the bytes of all 65,536 two-byte numbers ready: 8 MB for a few of them.
writeToStream.cacheNumbers = false

export function openClient(
  { options, now }: SessionContext,
  { server, bdSeq, tls }: Pick<Place, 'server' | 'bdSeq' | 'tls'>,
): mqtt.MqttClient {
  return mqtt.connect(server, {
    ...tls,
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
      payload: Buffer.from(encodeDeath(bdSeq, now())),
      qos: 1,
      retain: false,
    },
  })
}

/** tck-id-payloads-ndeath-seq: no sequence number; tck-id-topics-ndeath-payload: bdSeq only. */
function encodeDeath(bdSeq: number, at: number): Uint8Array {
  return encodePayload({ at, metrics: [createBdSeq(bdSeq, at)] })
}

/** True once the broker has accepted us; false when the signal aborts first. */
export function untilConnected(client: mqtt.MqttClient, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    client.once('connect', () => resolve(true))
    signal.addEventListener('abort', () => resolve(false), { once: true })
    if (signal.aborted) resolve(false)
  })
}

/** Commands to the node and its devices, and the STATE of every host we may wait for. */
export async function subscribe(
  client: mqtt.MqttClient,
  { options }: SessionContext,
): Promise<void> {
  const { site, gateway } = options
  const command = formatTopic({ type: 'NCMD', site, gateway })
  const hosts = [options.primaryHost, ...(options.standbyHosts ?? [])]
  await client.subscribeAsync(
    [
      command,
      `${command.replace('/NCMD/', '/DCMD/')}/+`,
      ...hosts.map((host) => formatTopic({ type: 'STATE', host })),
    ],
    { qos: 1 },
  )
}

/** tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath: MQTT 3.1.1 discards the will on DISCONNECT, so we say it ourselves. */
export async function sayFarewell(
  client: mqtt.MqttClient,
  { options, now }: SessionContext,
  bdSeq: number | undefined,
): Promise<void> {
  const deadline = AbortSignal.timeout(FAREWELL_MS)
  const late = new Promise<void>((resolve) => {
    deadline.addEventListener('abort', () => resolve(), { once: true })
  })
  if (bdSeq !== undefined && client.connected) {
    const { site, gateway } = options
    const topic = formatTopic({ type: 'NDEATH', site, gateway })
    const payload = Buffer.from(encodeDeath(bdSeq, now()))
    const said = client.publishAsync(topic, payload, { qos: 1, retain: false })
    await Promise.race([said.catch(() => undefined), late])
  }
  // Forced: the socket is destroyed at once if it is already gone; a clean DISCONNECT otherwise.
  await Promise.race([client.endAsync(!client.connected).catch(() => undefined), late])
  client.end(true)
}
