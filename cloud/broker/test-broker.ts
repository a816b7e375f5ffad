/** A running broker with its certificates and clients, for the broker's tests. */
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { createLog } from '../../protocol/kit/log.ts'
import { type Broker, openBroker } from './broker.ts'
import { createAuthority, type Identity } from './test-certificates.ts'

const DEADLINE_MS = 20_000

export interface Received {
  topic: string
  payload: string
  qos: number
  retain: boolean
}

/** Waits until the condition holds; fails after a generous deadline. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(10)
  }
}

/** Everything a client hears from now on. */
export function listen(client: MqttClient): Received[] {
  const heard: Received[] = []
  client.on('message', (topic, payload, { qos, retain }) => {
    heard.push({ topic, payload: payload.toString(), qos, retain })
  })
  return heard
}

/** `CN=site/gateway` is the identity in these tests. */
function identify(certificate: X509Certificate) {
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? ''
  const [site, gateway, ...rest] = name.split('/')
  return site && gateway && rest.length === 0 ? { site, gateway } : undefined
}

export interface TestBroker {
  broker: Broker
  ca: string
  revoked: Set<string>
  sign(name: string, hoursValid?: number): Promise<Identity>
  /** A real client over TLS; the client id is the name unless told. */
  connect(name: string, options?: IClientOptions): Promise<MqttClient>
  /** The ingest's kind of client. */
  inside(options?: IClientOptions): Promise<MqttClient>
  /** TLS done, nothing sent yet. */
  openRaw(name: string): Promise<RawClient>
  close(): Promise<void>
}

/** Opens a broker on a free port. */
export async function openTestBroker(): Promise<TestBroker> {
  const authority = await createAuthority('test authority')
  const revoked = new Set<string>()
  const broker = await openBroker({
    host: '127.0.0.1',
    port: 0,
    tls: { ...(await authority.sign('localhost')), ca: authority.ca },
    identify,
    isRevoked: ({ fingerprint }) => revoked.has(fingerprint),
    log: createLog('test').child({}, { level: 'silent' }),
  })
  const clients: { end(): unknown }[] = []
  const keep = <T extends { end(): unknown }>(client: T): T => {
    clients.push(client)
    return client
  }
  const tls = createTlsOptions(authority, broker.port)
  return {
    broker,
    ca: authority.ca,
    revoked,
    sign: authority.sign,
    connect: async (name, options = {}) => {
      const common = { protocol: 'mqtts', reconnectPeriod: 0, clientId: name } as const
      return await connected(keep(connect({ ...common, ...(await tls(name)), ...options })))
    },
    inside: async (options = {}) =>
      await connected(
        keep(broker.connectInside({ clientId: 'ingest', reconnectPeriod: 0, ...options })),
      ),
    openRaw: async (name) => {
      const socket = connectTls(await tls(name))
      const raw = createRaw(keep(socket.on('error', () => undefined)))
      await once(socket, 'secureConnect')
      return raw
    },
    close: async () => {
      for (const client of clients) client.end()
      await broker[Symbol.asyncDispose]()
    },
  }
}

/** One certificate a name, made at its first use. */
function createTlsOptions({ ca, sign }: Awaited<ReturnType<typeof createAuthority>>, port: number) {
  const identities = new Map<string, Identity>()
  return async (name: string) => {
    const identity = identities.get(name) ?? (await sign(name))
    identities.set(name, identity)
    return { ...identity, ca, host: '127.0.0.1', port, servername: 'localhost' }
  }
}

/** connectAsync never settles when the server ends the connection before CONNACK; this does. */
async function connected(client: MqttClient): Promise<MqttClient> {
  let failure = new Error('ended before CONNACK')
  client.on('error', (error) => {
    failure = error
  })
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('close', () => reject(failure))
  })
  return client
}

export interface RawClient {
  socket: TLSSocket
  packets: Packet[]
  /** Bytes or a packet to be encoded. */
  send(what: Packet | Uint8Array): void
  /** CONNECT as this name and wait for the answer. */
  login(name: string, more?: Partial<IConnectPacket>): Promise<void>
  /** Resolves when the broker has ended the connection. */
  ended(): Promise<void>
}

function createRaw(socket: TLSSocket): RawClient {
  const packets: Packet[] = []
  const decoder = parser()
  decoder.on('packet', (packet: Packet) => packets.push(packet))
  socket.on('data', (chunk) => decoder.parse(chunk))
  const send = (what: Packet | Uint8Array) => {
    if (!socket.destroyed) socket.write(what instanceof Uint8Array ? what : generate(what))
  }
  return {
    socket,
    packets,
    send,
    login: async (clientId, more) => {
      send({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 60,
        clientId,
        ...more,
      })
      await until('CONNACK', () => packets.length > 0)
    },
    ended: () => until('the connection has ended', () => socket.closed),
  }
}
