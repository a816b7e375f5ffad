/** Hostile MQTT bytes: each ends the connection that sent them, and nobody else's. */
import type { MqttClient } from 'mqtt'
import { generate, type Packet } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_PACKET_BYTES } from './broker.ts'
import {
  listen,
  openTestBroker,
  type RawClient,
  type Received,
  type TestBroker,
  until,
} from './test-broker.ts'

let bench: TestBroker
let bystander: MqttClient
let heard: Received[]
beforeAll(async () => {
  bench = await openTestBroker()
  bystander = await bench.connect('plant/bystander')
  const ingest = await bench.inside()
  heard = listen(ingest)
  await ingest.subscribeAsync('spBv1.0/#')
  await ingest.subscribeAsync('#')
})
afterAll(async () => {
  expect(bystander.connected).toBe(true)
  await bystander.publishAsync('spBv1.0/plant/NDATA/bystander', 'still here')
  await until('the bystander is heard', () => heard.some((one) => one.payload === 'still here'))
  expect(new Set(heard.map((one) => one.topic))).toEqual(new Set(['spBv1.0/plant/NDATA/bystander']))
  await bench.close()
})

const connect = (more: object = {}): Packet => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  keepalive: 60,
  clientId: 'plant/gw-1',
  ...more,
})
const publish = (topic: string, more: object = {}): Packet => ({
  cmd: 'publish',
  topic,
  payload: 'x',
  qos: 0,
  dup: false,
  retain: false,
  ...more,
})
const own = 'spBv1.0/plant/NDATA/gw-1'
/** A PUBLISH whose topic is any bytes at all. */
function publishBytes(topic: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from([topic.length >> 8, topic.length & 255]), topic])
  const length: number[] = []
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from([0x30, ...length]), body])
}

describe('before CONNECT', () => {
  const cases: Record<string, Uint8Array | Packet> = {
    'a length of five bytes': Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]),
    'a length of 268,435,455 and then silence': Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]),
    'a PUBLISH': publish(own),
    'a SUBSCRIBE': { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: own, qos: 0 }] },
    'a reserved packet type': Buffer.from([0x00, 0x00]),
    'an empty client id with a kept session': Buffer.from([
      0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0,
    ]),
    'an unknown protocol name': Buffer.from([
      0x10, 0x0c, 0, 4, 0x48, 0x54, 0x54, 0x50, 4, 2, 0, 60, 0, 0,
    ]),
    'an unknown protocol level': Buffer.from([
      0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2, 0, 60, 0, 0,
    ]),
    'MQTT 5, which is not served': connect({ protocolVersion: 5 }),
    HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  }
  it.each(Object.entries(cases))('%s ends the connection', async (_, bytes) => {
    const raw = await bench.openRaw('plant/gw-1')
    raw.send(bytes)
    await raw.ended()
  })

  it.each([
    ['an empty client id', connect({ clientId: '' })],
    ['a client id of 64 kB', connect({ clientId: 'x'.repeat(65_535) })],
    ['the client id __proto__', connect({ clientId: '__proto__' })],
    ['no keep alive at all', connect({ keepalive: 0 })],
    [
      'a will to a foreign topic',
      connect({ will: { topic: 'spBv1.0/STATE/cloud', payload: 'x', qos: 0, retain: false } }),
    ],
    [
      'a will with a wildcard',
      connect({ will: { topic: 'spBv1.0/#', payload: 'x', qos: 0, retain: false } }),
    ],
    [
      'a will to be retained',
      connect({ will: { topic: 'spBv1.0/plant/NDEATH/gw-1', payload: 'x', qos: 1, retain: true } }),
    ],
  ])('a CONNECT with %s is not accepted', async (_, packet) => {
    const raw = await bench.openRaw('plant/gw-1')
    raw.send(packet)
    await raw.ended()
    const codes = raw.packets.map((one) => (one.cmd === 'connack' ? one.returnCode : one.cmd))
    expect(codes).not.toContain(0)
  })
})

describe('after CONNECT', () => {
  const flood = Array.from({ length: 10_000 }, (_, n) => ({
    topic: `spBv1.0/x/NDATA/${n}`,
    qos: 0 as const,
  }))
  const cases: [string, (raw: RawClient) => void][] = [
    ['a second CONNECT', (raw) => raw.send(connect())],
    [
      'a PUBLISH with a wildcard',
      (raw) => raw.send(publishBytes(Buffer.from('spBv1.0/plant/NDATA/+'))),
    ],
    ['a PUBLISH to $SYS', (raw) => raw.send(publish('$SYS/broker/x'))],
    ['a PUBLISH with NUL in its topic', (raw) => raw.send(publishBytes(Buffer.from(`${own}\0`)))],
    ['a PUBLISH with an empty topic', (raw) => raw.send(publishBytes(Buffer.alloc(0)))],
    ['a topic of 65,535 bytes', (raw) => raw.send(publishBytes(Buffer.alloc(65_535, 0x61)))],
    ['a topic of 10,000 levels', (raw) => raw.send(publish('a/'.repeat(10_000)))],
    [
      'a topic that is not UTF-8',
      (raw) => raw.send(publishBytes(Buffer.from([0xff, 0xfe, 0xc0, 0x80]))),
    ],
    ['a retained flood', (raw) => raw.send(publish(own, { retain: true }))],
    ['QoS 2', (raw) => raw.send(publish(own, { qos: 2, messageId: 1 }))],
    ['QoS 3', (raw) => raw.send(Buffer.from([0x36, 0x05, 0, 1, 0x61, 0, 1]))],
    [
      'a SUBSCRIBE to 10,000 levels',
      (raw) =>
        raw.send({
          cmd: 'subscribe',
          messageId: 1,
          subscriptions: [{ topic: 'a/'.repeat(10_000), qos: 0 }],
        }),
    ],
    [
      'a packet too long',
      (raw) => raw.send(generate(publish(own, { payload: Buffer.alloc(MAX_PACKET_BYTES) }))),
    ],
    ['a server-only packet', (raw) => raw.send({ cmd: 'suback', messageId: 1, granted: [0] })],
  ]
  it.each(cases)('%s ends the connection', async (_, attack) => {
    const raw = await bench.openRaw('plant/gw-1')
    await raw.login('plant/gw-1')
    attack(raw)
    await raw.ended()
  })

  it('a SUBSCRIBE with 10,000 filters is refused filter by filter', async () => {
    const raw = await bench.openRaw('plant/gw-1')
    await raw.login('plant/gw-1')
    raw.send({ cmd: 'subscribe', messageId: 7, subscriptions: flood })
    await until('SUBACK', () => raw.packets.some((one) => one.cmd === 'suback'))
    const answer = raw.packets.find((one) => one.cmd === 'suback')
    expect(new Set(answer?.cmd === 'suback' ? answer.granted : [])).toEqual(new Set([128]))
    raw.socket.destroy()
  })

  it('its own filters are refused beyond the limit', async () => {
    const raw = await bench.openRaw('plant/gw-1')
    await raw.login('plant/gw-1')
    const subscriptions = Array.from({ length: 300 }, (_, n) => ({
      topic: `spBv1.0/plant/DCMD/gw-1/d${n}`,
      qos: 1 as const,
    }))
    raw.send({ cmd: 'subscribe', messageId: 7, subscriptions })
    await until('SUBACK', () => raw.packets.some((one) => one.cmd === 'suback'))
    const answer = raw.packets.find((one) => one.cmd === 'suback')
    const granted = answer?.cmd === 'suback' ? answer.granted : []
    expect(granted.filter((code) => code === 1)).toHaveLength(256)
    expect(granted.filter((code) => code === 128)).toHaveLength(44)
    raw.socket.destroy()
  })

  it('a PUBREL for a message that never was does no harm', async () => {
    const raw = await bench.openRaw('plant/gw-1')
    await raw.login('plant/gw-1')
    raw.send({ cmd: 'pubrel', messageId: 99, qos: 1, dup: false, retain: false } as Packet)
    raw.send({ cmd: 'pingreq' })
    await until('an answer or the end', () => raw.packets.length > 1 || raw.socket.closed)
    raw.socket.destroy()
  })
})
