/** The answers Aedes asks for at each connect, publish and subscribe, and the book of who is connected. */
import type { Aedes, AedesOptions, Client } from 'aedes'
import type { Log } from '../../protocol/kit/log.ts'
import {
  findConnectProblem,
  findPublishProblem,
  formatClientId,
  type GatewayIdentity,
  MAX_QOS,
  maySubscribe,
} from './policy.ts'

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
/** CONNACK return code 5 of MQTT 3.1.1: not authorized. */
const NOT_AUTHORIZED = 5

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

/** Who it is, and the certificate that says so: its fingerprint and dates as node:crypto prints them. */
export interface Proof {
  identity: GatewayIdentity
  fingerprint: string
  validFrom: string
  validTo: string
}

/** One gateway's connection, from its certificate to its last subscription. */
export interface Peer extends Proof {
  /** Set by CONNECT, told by CONNACK. */
  problem?: string
  /** It missed its keep alive. */
  silent?: boolean
  filters: Set<string>
  client?: Client
}

/** What is known of everybody who is connected or about to be. */
export interface Registry {
  log: Log
  /** By stream: gateways. A stream that is not in here is inside. */
  peers: WeakMap<object, Peer>
  /** By client id, those that are connected. */
  connected: Map<string, Peer>
  isRevoked(proof: Proof): boolean
  counters: BrokerCounters
}

/** Gateways obey the policy; a client inside this process has no rules. */
export function createRules({
  peers,
  connected,
  isRevoked,
  counters,
  log,
}: Registry): AedesOptions {
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: MAX_KEEPALIVE_S,
    queueLimit: QUEUE_LIMIT,
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: MAX_TOPIC_LEVELS,
    preConnect: (client, packet, callback) => {
      const peer = peers.get(client.conn)
      // Told by CONNACK below: here the connection would only fall silent.
      if (peer) {
        // Between the end of TLS and here somebody may have revoked it.
        peer.problem = isRevoked(peer)
          ? 'revoked certificate'
          : findConnectProblem(peer.identity, packet)
      }
      callback(null, true)
    },
    authenticate: (client, _username, _password, callback) => {
      const problem = peers.get(client.conn)?.problem
      if (problem === undefined) {
        // Aedes ends the first one, once, before it lets this one in [MQTT-3.1.4-2].
        if (connected.has(client.id)) {
          counters.duplicates += 1
          log.warn({ client: client.id }, 'second connection with one identity')
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
      // Aedes would grant QoS 2 as asked whatever is answered here, so it is refused, not lowered.
      const isAllowed = isRoom && qos <= MAX_QOS && maySubscribe(peer.identity, topic)
      if (isAllowed) peer.filters.add(topic)
      callback(null, isAllowed ? subscription : null)
    },
  }
}

/** Keeps `connected`, counts, and logs each transition once. */
export function watchClients({ peers, connected, counters, log }: Registry, aedes: Aedes): void {
  aedes.on('client', (client) => {
    const peer = peers.get(client.conn)
    if (!peer) return
    peer.client = client
    connected.set(client.id, peer)
    log.info({ client: client.id }, 'gateway connected')
  })
  aedes.on('clientDisconnect', (client) => {
    const peer = peers.get(client.conn)
    if (!peer || connected.get(client.id) !== peer) return
    connected.delete(client.id)
    log.info({ client: client.id }, 'gateway disconnected')
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
    log.warn({ client: offender, reason: error.message }, 'gateway cut off')
  }
  aedes.on('clientError', count)
  aedes.on('connectionError', count)
}
