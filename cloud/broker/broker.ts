/** The embedded MQTT broker: Aedes behind mutual TLS, with one rule for gateways and a socketless way in for the ingest. */
import type { X509Certificate } from 'node:crypto'
import { type Duplex, duplexPair } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Aedes, type AedesOptions, type Client } from 'aedes'
import { type IClientOptions, MqttClient } from 'mqtt'
import type { Log } from '../../protocol/kit/log.ts'
import { createFrameGuard } from './frame-guard.ts'
import { openListener } from './listener.ts'
import {
  findConnectProblem,
  findPublishProblem,
  formatClientId,
  type GatewayIdentity,
  maySubscribe,
} from './policy.ts'

/** The 1 MiB a Sparkplug payload may have, with its topic and headers. */
export const MAX_PACKET_BYTES = 1_048_576 + 1_024
/** An idle TLS connection costs about 100 kB: this many hold half a gigabyte. Beyond it, an external broker. */
export const MAX_CLIENTS = 5_000
/** Between the end of TLS and CONNECT; an honest client sends it at once. */
const CONNECT_TIMEOUT_MS = 10_000
/** A gateway that is gone must be noticed within 1.5 times this. */
const MAX_KEEPALIVE_S = 300
/** Frames sent before CONNACK; an honest client waits. */
const QUEUE_LIMIT = 42
/** spBv1.0/site/type/gateway/device. */
const MAX_TOPIC_LEVELS = 5
/** A client that takes nothing off its socket for this long is cut, or its messages pile up here. */
const DRAIN_TIMEOUT_MS = 30_000
/** Its commands, its devices' commands and the hosts' states. */
const MAX_SUBSCRIPTIONS = 256
/** A revoked certificate's live connection ends within this time. */
const REVOCATION_TICK_MS = 2_000
/** CONNACK return code 5 of MQTT 3.1.1: not authorized. */
const NOT_AUTHORIZED = 5

export interface BrokerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** PEM texts; `ca` signs the gateways' certificates. */
  tls: { key: string; cert: string; ca: string }
  /** The identity a client certificate proves, or undefined to refuse it. */
  identify(certificate: X509Certificate): GatewayIdentity | undefined
  /** Asked at each connection and every two seconds after. */
  isRevoked?(fingerprint256: string): boolean
  log: Log
}

/** Counted since the start; each is a reason somebody did not get through. */
export interface BrokerCounters {
  /** A second connection took the place of a first one with the same identity. */
  duplicates: number
  /** Refused by certificate, CONNECT, limits or handshake. */
  refused: number
  /** Turned away by the gate before TLS. */
  throttled: number
  /** Cut for a message or packet that was not allowed. */
  violations: number
}

export interface Broker extends AsyncDisposable {
  port: number
  /** A client inside this process, without a socket and without rules. */
  connectInside(options: IClientOptions): MqttClient
  /** Gateways connected now. */
  clients(): number
  counters(): Readonly<BrokerCounters>
  /** Cuts a gateway off now; its will is delivered. It may come back unless its certificate is revoked. */
  kick(identity: GatewayIdentity): void
}

/** One gateway's connection, from its certificate to its last subscription. */
interface Peer {
  identity: GatewayIdentity
  fingerprint: string
  /** Set by CONNECT, told by CONNACK. */
  problem?: string
  /** It missed its keep alive. */
  silent?: boolean
  filters: Set<string>
  client?: Client
}

/** What is known of everybody who is connected or about to be. */
interface Registry {
  options: BrokerOptions
  /** By stream: gateways. A stream that is not in here is inside. */
  peers: WeakMap<object, Peer>
  /** By client id, those that are connected. */
  connected: Map<string, Peer>
  counters: BrokerCounters
}

/** Starts the broker, or throws Fault 'broker.not-listening'. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const counters: BrokerCounters = { duplicates: 0, refused: 0, throttled: 0, violations: 0 }
  const registry: Registry = { options, peers: new WeakMap(), connected: new Map(), counters }
  await using stack = new AsyncDisposableStack()
  const aedes = await Aedes.createBroker(createRules(registry))
  stack.defer(() => closeAedes(aedes))
  watchClients(registry, aedes)
  const listener = stack.use(
    await openListener({
      ...options,
      accept: (socket, certificate) => accept({ registry, aedes, socket, certificate }),
      refuse: (reason) => {
        if (reason === 'too-fast') counters.throttled += 1
        else counters.refused += 1
      },
    }),
  )
  const tick = setInterval(() => dropRevoked(registry), REVOCATION_TICK_MS)
  stack.defer(() => clearInterval(tick))
  options.log.info({ host: options.host, port: listener.port }, 'broker listening')
  const running = stack.move()
  return {
    port: listener.port,
    connectInside: (client) => new MqttClient(() => openInside(aedes), client),
    clients: () => registry.connected.size,
    counters: () => counters,
    kick: (identity) => registry.connected.get(formatClientId(identity))?.client?.conn.destroy(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

interface Arrival {
  registry: Registry
  aedes: Aedes
  socket: TLSSocket
  certificate: X509Certificate
}

/** A TLS connection whose certificate is in order: who is it, and may it come in? */
function accept({ registry, aedes, socket, certificate }: Arrival): void {
  const { options, counters, peers, connected } = registry
  const fingerprint = certificate.fingerprint256
  const identity = options.identify(certificate)
  let reason: string | undefined
  if (options.isRevoked?.(fingerprint)) reason = 'revoked certificate'
  else if (connected.size >= MAX_CLIENTS) reason = 'too many clients'
  if (!identity || reason) {
    counters.refused += 1
    reason ??= 'unknown certificate'
    options.log.warn({ fingerprint, reason }, 'gateway refused')
    socket.destroy()
    return
  }
  peers.set(socket, { identity, fingerprint, filters: new Set() })
  aedes.handle(socket)
  // 'data' is emitted as Aedes reads: the guard sees each chunk first and changes nothing of the flow.
  const isWithinLimits = createFrameGuard(MAX_PACKET_BYTES)
  socket.on('data', (chunk: Buffer) => {
    if (!isWithinLimits(chunk)) socket.destroy(new Error('packet too long'))
  })
}

/** Both ends of a pipe in memory: Aedes gets one, the client the other. */
function openInside(aedes: Aedes): Duplex {
  const [near, far] = duplexPair()
  near.once('close', () => far.destroy())
  far.once('close', () => near.destroy())
  aedes.handle(far)
  return near
}

function createRules({ peers, connected, counters, options }: Registry): AedesOptions {
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: MAX_KEEPALIVE_S,
    queueLimit: QUEUE_LIMIT,
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: MAX_TOPIC_LEVELS,
    preConnect: (client, packet, callback) => {
      const peer = peers.get(client.conn)
      // Told by CONNACK below: here the connection would only fall silent.
      if (peer) peer.problem = findConnectProblem(peer.identity, packet)
      callback(null, true)
    },
    authenticate: (client, _username, _password, callback) => {
      const problem = peers.get(client.conn)?.problem
      if (problem === undefined) {
        // Aedes ends the first one, once, before it lets this one in [MQTT-3.1.4-2].
        if (connected.has(client.id)) {
          counters.duplicates += 1
          options.log.warn({ client: client.id }, 'second connection with one identity')
        }
        return callback(null, true)
      }
      counters.refused += 1
      callback(Object.assign(new Error(problem), { returnCode: NOT_AUTHORIZED }), false)
    },
    authorizePublish: (client, packet, callback) => {
      const peer = client && peers.get(client.conn)
      const problem = peer && findPublishProblem(peer.identity, packet)
      callback(problem ? new Error(problem) : null)
    },
    authorizeSubscribe: (client, subscription, callback) => {
      const peer = peers.get(client.conn)
      if (!peer) return callback(null, subscription)
      const { topic, qos } = subscription
      const isRoom = peer.filters.has(topic) || peer.filters.size < MAX_SUBSCRIPTIONS
      if (!isRoom || !maySubscribe(peer.identity, topic)) return callback(null, null)
      peer.filters.add(topic)
      callback(null, { ...subscription, qos: qos === 2 ? 1 : qos })
    },
  }
}

/** Keeps `connected`, counts, and logs each transition once. */
function watchClients({ peers, connected, counters, options }: Registry, aedes: Aedes): void {
  aedes.on('client', (client) => {
    const peer = peers.get(client.conn)
    if (!peer) return
    peer.client = client
    connected.set(client.id, peer)
    options.log.info({ client: client.id }, 'gateway connected')
  })
  aedes.on('clientDisconnect', (client) => {
    const peer = peers.get(client.conn)
    if (!peer || connected.get(client.id) !== peer) return
    connected.delete(client.id)
    options.log.info({ client: client.id }, 'gateway disconnected')
  })
  aedes.on('keepaliveTimeout', (client) => {
    const peer = peers.get(client.conn)
    if (peer) peer.silent = true
  })
  const count = (client: Client, error: Error) => {
    const peer = peers.get(client.conn)
    // A dead line has a system code; silence and refusals are known already. The rest broke the protocol.
    if (!peer || peer.silent || peer.problem || 'code' in error) return
    counters.violations += 1
    const offender = formatClientId(peer.identity)
    options.log.warn({ client: offender, reason: error.message }, 'gateway cut off')
  }
  aedes.on('clientError', count)
  aedes.on('connectionError', count)
}

function dropRevoked({ options, connected }: Registry): void {
  for (const [id, { fingerprint, client }] of connected) {
    if (!options.isRevoked?.(fingerprint)) continue
    options.log.warn({ client: id, fingerprint }, 'certificate revoked; gateway cut off')
    client?.conn.destroy()
  }
}

async function closeAedes(aedes: Aedes): Promise<void> {
  await new Promise<void>((resolve) => aedes.close(() => resolve()))
}
