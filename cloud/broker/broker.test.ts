/** The broker with real clients over TLS: who gets in, what they may do, how they are cut off. */
import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Client } from 'aedes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isFault } from '../../protocol/kit/fault.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { openBroker } from './broker.ts'
import { createRules, type Peer } from './rules.ts'
import { listen, openTestBroker, type TestBroker, until } from './test-broker.ts'
import { createAuthority } from './test-certificates.ts'

let bench: TestBroker
beforeEach(async () => {
  bench = await openTestBroker()
})
afterEach(async () => await bench.close())

const DATA = 'spBv1.0/plant/NDATA/gw-1'
const DEATH = {
  topic: 'spBv1.0/plant/NDEATH/gw-1',
  payload: Buffer.from('gone'),
  qos: 1,
  retain: false,
} as const

describe('the way in', () => {
  it('a gateway with its certificate publishes to the ingest and hears its commands', async () => {
    const ingest = await bench.inside()
    const heard = listen(ingest)
    await ingest.subscribeAsync('spBv1.0/#', { qos: 1 })
    const gateway = await bench.connect('plant/gw-1')
    const commands = listen(gateway)
    await gateway.subscribeAsync('spBv1.0/plant/NCMD/gw-1', { qos: 1 })
    await gateway.publishAsync(DATA, 'hello')
    await ingest.publishAsync('spBv1.0/plant/NCMD/gw-1', 'rebirth')
    await ingest.publishAsync('spBv1.0/plant/NCMD/gw-2', 'not for gw-1')
    await until('both have heard', () => heard.length >= 3 && commands.length >= 1)
    expect(heard.find((one) => one.topic === DATA)).toEqual({
      topic: DATA,
      payload: 'hello',
      qos: 0,
      retain: false,
    })
    expect(commands.map((one) => one.payload)).toEqual(['rebirth'])
    expect(bench.broker.clients()).toBe(1)
  })

  it('takes nobody without a certificate, or with a foreign, expired or unknown one', async () => {
    const foreign = await (await createAuthority('somebody else')).sign('plant/gw-1')
    const expired = await bench.sign('plant/gw-1', -1)
    const unknown = await bench.sign('no identity')
    const nobody = { key: undefined, cert: undefined }
    for (const identity of [nobody, foreign, expired, unknown]) {
      await expect(bench.connect('plant/gw-1', identity)).rejects.toThrow()
    }
    expect(bench.broker.clients()).toBe(0)
    expect(bench.broker.counters().refused).toBe(4)
  })

  it('speaks no TLS below 1.3', async () => {
    const identity = await bench.sign('plant/gw-1')
    const socket = connectTls({
      ...identity,
      port: bench.broker.port,
      host: '127.0.0.1',
      ca: bench.ca,
      servername: 'localhost',
      maxVersion: 'TLSv1.2',
    })
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
    expect(error.message).toMatch(/protocol version/i)
  })

  it('tells a gateway with another client id, a kept session or a foreign will that it may not', async () => {
    const foreignWill = { ...DEATH, topic: 'spBv1.0/plant/NDEATH/gw-2' }
    const wrong = [{ clientId: 'plant/gw-2' }, { clean: false }, { will: foreignWill }]
    for (const options of wrong) {
      await expect(bench.connect('plant/gw-1', options)).rejects.toThrow(/not authorized/i)
    }
    expect(bench.broker.counters()).toMatchObject({ refused: 3, violations: 0 })
    expect(bench.broker.clients()).toBe(0)
  })

  it('a port that is taken is a fault with the address', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const tls = { ...(await bench.sign('localhost')), ca: bench.ca }
    const log = createLog('test').child({}, { level: 'silent' })
    const options = { host: '127.0.0.1', port, tls, identify: () => undefined, log }
    const error = await openBroker(options).catch((caught) => caught)
    expect(isFault(error, 'broker.not-listening') && error.detail.port).toBe(port)
    other.close()
  })
})

describe('a gateway that is in', () => {
  it('is cut off for publishing to a foreign topic, and nobody hears it', async () => {
    const ingest = await bench.inside()
    const heard = listen(ingest)
    await ingest.subscribeAsync('#', { qos: 1 })
    const gateway = await bench.connect('plant/gw-1', { will: DEATH })
    gateway.publish('spBv1.0/plant/NDATA/gw-2', 'forged')
    await until('the gateway is out', () => bench.broker.clients() === 0)
    await until('its will has come', () => heard.length > 0)
    expect(heard.map((one) => one.topic)).toEqual([DEATH.topic])
    expect(bench.broker.counters().violations).toBe(1)
  })

  it('is refused other subscriptions one by one and stays connected', async () => {
    const gateway = await bench.connect('plant/gw-1')
    const heard = listen(gateway)
    for (const filter of ['#', 'spBv1.0/#', 'spBv1.0/plant/NDATA/gw-1', '$SYS/#']) {
      await expect(gateway.subscribeAsync(filter)).rejects.toThrow()
    }
    await expect(gateway.subscribeAsync('spBv1.0/STATE/+', { qos: 2 })).rejects.toThrow()
    await gateway.subscribeAsync('spBv1.0/STATE/+', { qos: 1 })
    const ingest = await bench.inside()
    await ingest.publishAsync('spBv1.0/STATE/cloud', '{"online":true}', { qos: 1, retain: true })
    await until('STATE has come', () => heard.length > 0)
    expect(heard).toHaveLength(1)
  })

  it('is replaced once by a second connection with the same identity, and that is counted', async () => {
    const ingest = await bench.inside()
    const heard = listen(ingest)
    await ingest.subscribeAsync('spBv1.0/#', { qos: 1 })
    const first = await bench.connect('plant/gw-1', { will: DEATH })
    const second = await bench.connect('plant/gw-1')
    await until('the first one is out', () => !first.connected)
    await until('its will has come', () => heard.length > 0)
    await second.publishAsync(DATA, 'from the second', { qos: 1 })
    await until('the second is heard', () => heard.length > 1)
    expect(second.connected).toBe(true)
    expect(bench.broker.clients()).toBe(1)
    expect(bench.broker.counters().duplicates).toBe(1)
  })

  it('can be cut off at once, and its will tells of it', async () => {
    const ingest = await bench.inside()
    const heard = listen(ingest)
    await ingest.subscribeAsync('spBv1.0/#', { qos: 1 })
    const gateway = await bench.connect('plant/gw-1', { will: DEATH })
    const neighbour = await bench.connect('plant/gw-2')
    bench.broker.kick({ site: 'plant', gateway: 'gw-1' })
    await until('it is out', () => !gateway.connected && heard.length > 0)
    expect(neighbour.connected).toBe(true)
  })

  it('is refused at CONNECT when its certificate was revoked after TLS let it in', async () => {
    const identity = { site: 'plant', gateway: 'gw-1' }
    const peer: Peer = {
      ...{ identity, fingerprint: 'AB:CD', validFrom: '', validTo: '', filters: new Set<string>() },
    }
    const conn = {}
    const rules = createRules({
      ...{ log: createLog('test'), peers: new WeakMap([[conn, peer]]), connected: new Map() },
      isRevoked: ({ fingerprint }) => fingerprint === 'AB:CD',
      counters: { duplicates: 0, refused: 0, throttled: 0, violations: 0 },
    })
    const client = { conn, id: 'plant/gw-1' } as unknown as Client
    const packet = { cmd: 'connect', clientId: 'plant/gw-1', clean: true, keepalive: 60 }
    rules.preConnect?.(client, packet as never, () => undefined)
    const answer = await new Promise((resolve) => {
      rules.authenticate?.(client, undefined, undefined, (error) => resolve(error))
    })
    expect(answer).toMatchObject({ message: 'revoked certificate', returnCode: 5 })
  })

  it('is cut off when its certificate is revoked, and does not come back', async () => {
    const identity = await bench.sign('plant/gw-1')
    const gateway = await bench.connect('plant/gw-1', identity)
    bench.revoked.add(new X509Certificate(identity.cert).fingerprint256)
    await until('it is out', () => !gateway.connected)
    await expect(bench.connect('plant/gw-1', identity)).rejects.toThrow()
    await bench.connect('plant/gw-1')
  })
})
