/** The embedded MQTT broker: Aedes behind mutual TLS, with one rule for gateways and a socketless way in for the ingest. */
import type { X509Certificate } from 'node:crypto'
import { type Duplex, duplexPair } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Aedes } from 'aedes'
import { type IClientOptions, MqttClient } from 'mqtt'
import type { Log } from '../../protocol/kit/log.ts'
import { createFrameGuard } from './frame-guard.ts'
import { openListener } from './listener.ts'
import { formatClientId, type GatewayIdentity } from './policy.ts'
import {
  type BrokerCounters,
  createRules,
  type Proof,
  type Registry,
  watchClients,
} from './rules.ts'

/** The 1 MiB a Sparkplug payload may have, with its topic and headers. */
export const MAX_PACKET_BYTES = 1_048_576 + 1_024
/** An idle TLS connection costs about 100 kB: this many hold half a gigabyte. Beyond it, an external broker. */
export const MAX_CLIENTS = 5_000
/** A revoked certificate's live connection ends within this time. */
const REVOCATION_TICK_MS = 2_000

export interface BrokerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** PEM texts; `ca` signs the gateways' certificates. */
  tls: { key: string; cert: string; ca: string }
  /** The identity a client certificate proves, or undefined to refuse it. */
  identify(certificate: X509Certificate): GatewayIdentity | undefined
  /** Asked at each connection, at its CONNECT, and every two seconds after. */
  isRevoked?(proof: Proof): boolean
  log: Log
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

/** Starts the broker, or throws Fault 'broker.not-listening'. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const counters: BrokerCounters = { duplicates: 0, refused: 0, throttled: 0, violations: 0 }
  const { log } = options
  const registry: Registry = {
    ...{ log, peers: new WeakMap(), connected: new Map(), counters },
    isRevoked: (proof) => options.isRevoked?.(proof) ?? false,
  }
  await using stack = new AsyncDisposableStack()
  const aedes = await Aedes.createBroker(createRules(registry))
  stack.defer(() => closeAedes(aedes))
  watchClients(registry, aedes)
  const listener = stack.use(
    await openListener({
      ...options,
      accept: (socket, certificate) => accept({ options, registry, aedes, socket, certificate }),
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
  options: BrokerOptions
  registry: Registry
  aedes: Aedes
  socket: TLSSocket
  certificate: X509Certificate
}

/** A TLS connection whose certificate is in order: who is it, and may it come in? */
function accept({ options, registry, aedes, socket, certificate }: Arrival): void {
  const { counters, peers, connected } = registry
  const fingerprint = certificate.fingerprint256
  const identity = options.identify(certificate)
  let reason: string | undefined
  const { validFrom, validTo } = certificate
  const proof = identity && { identity, fingerprint, validFrom, validTo }
  if (proof && registry.isRevoked(proof)) reason = 'revoked certificate'
  else if (connected.size >= MAX_CLIENTS) reason = 'too many clients'
  if (!proof || reason) {
    counters.refused += 1
    reason ??= 'unknown certificate'
    options.log.warn({ fingerprint, reason }, 'gateway refused')
    socket.destroy()
    return
  }
  peers.set(socket, { ...proof, filters: new Set() })
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

function dropRevoked({ connected, isRevoked, log }: Registry): void {
  for (const [id, peer] of connected) {
    if (!isRevoked(peer)) continue
    const { fingerprint, client } = peer
    log.warn({ client: id, fingerprint }, 'certificate revoked; gateway cut off')
    client?.conn.destroy()
  }
}

async function closeAedes(aedes: Aedes): Promise<void> {
  await new Promise<void>((resolve) => aedes.close(() => resolve()))
}
