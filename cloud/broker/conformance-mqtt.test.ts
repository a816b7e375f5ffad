/** Sparkplug 3.0's demands on an MQTT server (chapter 10), with hosts inside and a gateway over TLS. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listen, openTestBroker, type TestBroker, until } from './test-broker.ts'

let bench: TestBroker
beforeEach(async () => {
  bench = await openTestBroker()
})
afterEach(async () => await bench.close())

const DATA = 'spBv1.0/plant/NDATA/gw-1'
const STATE = 'spBv1.0/STATE/cloud'
const DEATH = 'spBv1.0/plant/NDEATH/gw-1'

describe('a Sparkplug conformant MQTT server', () => {
  it('tck-id-conformance-mqtt-qos0: publishes and subscribes on QoS 0', async () => {
    const host = await bench.inside()
    const heard = listen(host)
    await host.subscribeAsync('spBv1.0/#', { qos: 0 })
    const edge = await bench.connect('plant/gw-1')
    for (let n = 0; n < 200; n += 1) edge.publish(DATA, String(n), { qos: 0 })
    await until('all have come', () => heard.length === 200)
    expect(heard.map((one) => one.payload)).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`))
    expect(new Set(heard.map((one) => one.qos))).toEqual(new Set([0]))
  })

  it('tck-id-conformance-mqtt-qos1: publishes and subscribes on QoS 1, and lowers it where asked', async () => {
    const host = await bench.inside()
    const low = await bench.inside({ clientId: 'low' })
    const [heard, heardLow] = [listen(host), listen(low)]
    await host.subscribeAsync(DEATH, { qos: 1 })
    await low.subscribeAsync(DEATH, { qos: 0 })
    const edge = await bench.connect('plant/gw-1')
    await edge.publishAsync(DEATH, 'x', { qos: 1 })
    await until('both have heard', () => heard.length === 1 && heardLow.length === 1)
    expect([heard[0]?.qos, heardLow[0]?.qos]).toEqual([1, 0])
  })

  it('tck-id-conformance-mqtt-will-messages: delivers a QoS 1 will when the line breaks, not after DISCONNECT', async () => {
    const host = await bench.inside()
    const heard = listen(host)
    await host.subscribeAsync('spBv1.0/#', { qos: 1 })
    const will = { topic: DEATH, payload: Buffer.from([8, 1]), qos: 1, retain: false } as const
    const polite = await bench.connect('plant/gw-1', { will })
    await polite.endAsync()
    await until('it has left', () => bench.broker.clients() === 0)
    const broken = await bench.connect('plant/gw-1', { will })
    broken.stream.destroy()
    await until('the will has come', () => heard.length > 0)
    expect(heard).toEqual([{ topic: DEATH, payload: '\b\u0001', qos: 1, retain: false }])
  })

  it('tck-id-conformance-mqtt-will-messages: keeps a will with the retain flag for who subscribes later', async () => {
    const will = {
      topic: STATE,
      payload: Buffer.from('{"online":false}'),
      qos: 1,
      retain: true,
    } as const
    const host = await bench.inside({ clientId: 'host', will })
    host.stream.destroy()
    const edge = await bench.connect('plant/gw-1')
    const heard = listen(edge)
    await until('the host is gone', () => !host.connected)
    await edge.subscribeAsync(STATE, { qos: 1 })
    await until('STATE has come', () => heard.length > 0)
    expect(heard[0]).toMatchObject({ topic: STATE, payload: '{"online":false}', qos: 1 })
  })

  it('tck-id-conformance-mqtt-retained: keeps the newest, flags it, passes live ones unflagged, forgets on empty', async () => {
    const host = await bench.inside()
    await host.publishAsync(STATE, 'old', { qos: 1, retain: true })
    await host.publishAsync(STATE, 'new', { qos: 1, retain: true })
    const edge = await bench.connect('plant/gw-1')
    const heard = listen(edge)
    await edge.subscribeAsync('spBv1.0/STATE/+', { qos: 1 })
    await until('the retained one has come', () => heard.length > 0)
    await host.publishAsync(STATE, 'live', { qos: 1, retain: true })
    await until('the live one has come', () => heard.length > 1)
    expect(heard.map(({ payload, retain }) => [payload, retain])).toEqual([
      ['new', true],
      ['live', false],
    ])
    await host.publishAsync(STATE, '', { qos: 1, retain: true })
    const late = await bench.connect('plant/gw-2')
    const heardLate = listen(late)
    await late.subscribeAsync('spBv1.0/STATE/+', { qos: 1 })
    await host.publishAsync('spBv1.0/STATE/other', 'marker', { qos: 1 })
    await until('the marker has come', () => heardLate.length > 0)
    expect(heardLate.map((one) => one.payload)).toEqual(['marker'])
  })
})
