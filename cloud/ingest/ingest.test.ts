/** The host application against real brokers, spoken to by a bare edge node: the assertions of Sparkplug 3.0 by their ids. */
import { createServer } from 'node:net'
import mqtt from 'mqtt'
import { type IConnectPacket, parser } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { brokers, type TestBroker, until } from '../../edge/uplink/broker.fixture.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { type Gap, quality, type Sample } from '../../protocol/model.ts'
import { formatGap, parseState } from '../../protocol/sparkplug/delivery.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import { decodePayload, encodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { type Ingest, type IngestOptions, openIngest } from './ingest.ts'

const STATE = 'spBv1.0/STATE/mimamori'
const NODE = 'spBv1.0/plant'

interface Store {
  live: Sample[]
  historical: Sample[]
  gaps: Gap[]
  events: NodeEvent[]
  /** Commits reject while set. */
  broken: boolean
}

function open(
  url: string,
  options: Partial<IngestOptions> = {},
): { ingest: Ingest; store: Store } & AsyncDisposable {
  const store: Store = { live: [], historical: [], gaps: [], events: [], broken: false }
  const ingest = openIngest({
    connect: (extra) => mqtt.connect(url, { ...extra, clientId: 'host' }),
    hostId: 'mimamori',
    async commit({ live, historical, gaps }) {
      if (store.broken) throw new Error('the historian is away')
      store.live.push(...live)
      store.historical.push(...historical)
      store.gaps.push(...gaps)
    },
    onNode: (event) => store.events.push(event),
    commitMs: 20,
    reorderMs: 100,
    rebirthMs: 50,
    backoff: { minMs: 20, maxMs: 100 },
    log: createLog('ingest').child({}, { level: 'silent' }),
    ...options,
  })
  return { ingest, store, [Symbol.asyncDispose]: () => ingest[Symbol.asyncDispose]() }
}

/** A bare edge node: says exactly what it is told, right or wrong. */
async function openEdge(url: string, gateway = 'gw1') {
  const will = {
    topic: `${NODE}/NDEATH/${gateway}`,
    qos: 1 as const,
    retain: false,
    payload: Buffer.from(death(0)),
  }
  const client = await mqtt.connectAsync(url, { will, reconnectPeriod: 0 })
  const commands: Metric[][] = []
  client.on('message', (_, bytes) => commands.push(decodePayload(bytes).metrics))
  await client.subscribeAsync(`${NODE}/NCMD/${gateway}`, { qos: 1 })
  let seq = 0
  const say = (type: string, metrics: Metric[], device?: string, number = seq++) => {
    if (type === 'NBIRTH') seq = 1
    const payload = { at: 1_000, seq: type === 'NBIRTH' ? 0 : number & 255, metrics }
    const topic = `${NODE}/${type}/${gateway}${device ? `/${device}` : ''}`
    client.publish(topic, Buffer.from(encodePayload(payload, { omitTypes: type.endsWith('DATA') })))
  }
  return {
    client,
    commands,
    say,
    skip: () => seq++,
    die: (bdSeq: number) => client.publish(`${NODE}/NDEATH/${gateway}`, Buffer.from(death(bdSeq))),
    nodeBirth: (bdSeq = 0) => say('NBIRTH', nbirth(bdSeq)),
    deviceBirth: (value = 1) =>
      say(
        'DBIRTH',
        [{ name: 'Count', alias: 20, at: 500, type: 'Int32', value, unit: 'pcs' }],
        'plc',
      ),
    count: (value: number, at = 1_000 + value) =>
      say('DDATA', [{ alias: 20, at, type: 'Int32', value }], 'plc'),
    watermark: (from: number, to: number, store = STORE) =>
      say('NDATA', [
        { alias: 1, at: 1, type: 'Int64', value: BigInt(from) },
        { alias: 2, at: 1, type: 'Int64', value: BigInt(to) },
        { alias: 7, at: 1, type: 'String', value: store },
      ]),
    acknowledged: () =>
      commands.flatMap((metrics) => {
        const value = (alias: number) => metrics.find((metric) => metric.alias === alias)?.value
        return value(3) === undefined ? [] : [[value(1), value(3)]]
      }),
    rebirths: () =>
      commands.filter(
        ([metric]) => metric?.name === 'Node Control/Rebirth' && metric.value === true,
      ).length,
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}
const death = (bdSeq: number) =>
  encodePayload({ at: 1, metrics: [{ name: 'bdSeq', type: 'Int64', value: BigInt(bdSeq) }] })
const STORE = 'store-of-this-run'
const nbirth = (bdSeq: number): Metric[] => [
  { name: 'Delivery/Store', alias: 7, at: 1, type: 'String', value: STORE },
  { name: 'bdSeq', at: 1, type: 'Int64', value: BigInt(bdSeq) },
  { name: 'Node Control/Rebirth', at: 1, type: 'Boolean', value: false },
  { name: 'Delivery/From', alias: 1, at: 1, type: 'Int64', value: null },
  { name: 'Delivery/Watermark', alias: 2, at: 1, type: 'Int64', value: null },
  { name: 'Delivery/Acknowledged', alias: 3, at: 1, type: 'Int64', value: null },
  { name: 'Delivery/Gap', alias: 4, at: 1, type: 'String', value: null },
  { name: 'Properties/Software', alias: 5, at: 1, type: 'String', value: 'edge 1' },
  {
    name: 'Properties/Targets',
    alias: 6,
    at: 1,
    type: 'String',
    value: '[{"id":"hmi","kind":"web","title":"HMI","consent":"always"},{"id":7}]',
  },
]
const valuesOf = (samples: Sample[]) => samples.map(({ value }) => value)

describe.each(brokers)('the host application over $name', ({ missing, open: openBroker }) => {
  let broker: TestBroker
  beforeEach(async ({ skip }) => {
    if (missing) skip()
    broker = await openBroker()
  })
  afterEach(() => broker?.[Symbol.asyncDispose]())
  const ready = (ingest: Ingest) => until('host online', () => ingest.connected())

  test('tck-id-host-topic-phid-birth-payload-timestamp, tck-id-host-topic-phid-birth-retain, tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean: STATE is retained, online at birth, offline at the end', async () => {
    const states: { online: boolean; timestamp: number }[] = []
    const watcher = await mqtt.connectAsync(broker.url)
    watcher.on('message', (_, bytes) => states.push(parseState(bytes.toString())!))
    let time = 1_000
    {
      await using host = open(broker.url, { now: () => time++ })
      await ready(host.ingest)
      await watcher.subscribeAsync(STATE, { qos: 1 })
      await until('retained birth', () => states.length === 1)
    }
    await until('death', () => states.length === 2)
    await watcher.endAsync()
    expect(states.map(({ online }) => online)).toEqual([true, false])
    expect(states[1]!.timestamp).toBeGreaterThan(states[0]!.timestamp)
  })

  test('tck-id-message-flow-hid-sparkplug-state-message-delivered: a foreign offline on its own STATE is overruled at once with the same timestamp', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    const states: string[] = []
    const watcher = await mqtt.connectAsync(broker.url)
    watcher.on('message', (_, bytes) => states.push(bytes.toString()))
    await watcher.subscribeAsync(STATE, { qos: 1 })
    await until('birth', () => states.length === 1)
    await watcher.publishAsync(STATE, '{"online":false,"timestamp":5}', { qos: 1, retain: true })
    await until('born again', () => states.length === 3)
    await watcher.endAsync()
    expect(states[2]).toBe(states[0])
  })

  test('a birth tells node, targets, tags and units; data is committed with the types of the birth', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth(1)
    edge.say(
      'DDATA',
      [{ alias: 20, at: 2_000, type: 'Int32', value: -5, quality: 0, status: 0x80340000 }],
      'plc',
    )
    await until('committed', () => host.store.live.length === 2)
    expect(host.store.events).toEqual([
      { kind: 'online', site: 'plant', gateway: 'gw1', at: expect.any(Number) },
      {
        kind: 'birth',
        site: 'plant',
        gateway: 'gw1',
        tags: [],
        software: 'edge 1',
        targets: [{ id: 'hmi', kind: 'web', title: 'HMI', consent: 'always' }],
        at: expect.any(Number),
      },
      {
        kind: 'birth',
        site: 'plant',
        gateway: 'gw1',
        device: 'plc',
        tags: [{ id: 'plant/gw1/plc/Count', name: 'Count', type: 'Int32', unit: 'pcs' }],
        at: 1_000,
      },
    ])
    expect(host.store.live).toEqual([
      { tag: 'plant/gw1/plc/Count', at: 500, value: 1, quality: quality.good },
      {
        tag: 'plant/gw1/plc/Count',
        at: 2_000,
        value: -5,
        quality: quality.bad,
        status: 0x80340000,
      },
    ])
  })

  test('a range is acknowledged only after its commit, and history and gaps go their own ways', async () => {
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const committed: unknown[] = []
    await using host = open(broker.url, {
      async commit(batch) {
        await held
        committed.push(batch)
      },
    })
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    const gap: Gap = { gateway: 'gw1', from: 1, to: 2, reason: 'gateway-down' }
    edge.nodeBirth()
    edge.deviceBirth()
    edge.say('DDATA', [{ alias: 20, at: 5, type: 'Int32', value: 9, historical: true }], 'plc')
    edge.say('NDATA', [{ alias: 4, at: 1, type: 'String', value: formatGap(gap) }])
    edge.watermark(4, 6)
    await until('received', () => host.ingest.counters().messages === 5)
    expect(edge.acknowledged()).toEqual([])
    release?.()
    await until('acknowledged', () => edge.acknowledged().length === 1)
    expect(edge.acknowledged()).toEqual([[4n, 6n]])
    expect(committed.flatMap((batch) => (batch as Store).historical)).toMatchObject([
      { value: 9, at: 5 },
    ])
    expect(committed.flatMap((batch) => (batch as Store).gaps)).toEqual([gap])
  })

  test('a clock that is set back does not make the next STATE older than the last: gateways would not believe it', async () => {
    let backMs = 0
    let client: mqtt.MqttClient | undefined
    const connect: IngestOptions['connect'] = (extra) => {
      client = mqtt.connect(broker.url, { ...extra, clientId: 'host' })
      return client
    }
    const watcher = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 })
    const told: { online: boolean; timestamp: number }[] = []
    watcher.on('message', (_, bytes) => told.push(JSON.parse(bytes.toString())))
    await watcher.subscribeAsync('spBv1.0/STATE/mimamori', { qos: 1 })
    await using host = open(broker.url, { connect, now: () => Date.now() - backMs })
    await ready(host.ingest)
    backMs = 3_600_000
    client?.stream.destroy()
    const births = () => told.filter(({ online }) => online)
    await until('born again', () => births().length >= 2)
    const times = births().map(({ timestamp }) => timestamp)
    expect([...times].sort((a, b) => a - b)).toEqual(times)
    await watcher.endAsync(true)
  })

  test('an acknowledgement names the store it is for; a watermark of a store that was not born gets none', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth()
    edge.count(1)
    // Two that share one identity: this watermark speaks of readings that came with the other one's birth, or with none.
    edge.watermark(1, 1, 'of-another-disk')
    edge.count(2)
    edge.watermark(2, 2)
    await until('acknowledged', () => edge.acknowledged().length > 0)
    expect(edge.acknowledged()).toEqual([[2n, 2n]])
    const answer = edge.commands.find((metrics) => metrics.some(({ alias }) => alias === 3))
    expect(answer?.find(({ alias }) => alias === 7)?.value).toBe(STORE)
  })

  test('a commit that fails is not acknowledged, even when the watermark comes with a later one that succeeds', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth()
    await until('birth committed', () => host.store.live.length === 1)
    edge.watermark(1, 1)
    await until('first range', () => edge.acknowledged().length === 1)
    host.store.broken = true
    edge.count(1)
    await until('failed', () => host.ingest.counters().failedCommits === 1)
    host.store.broken = false
    edge.count(2)
    edge.watermark(2, 3)
    edge.count(3)
    edge.watermark(4, 4)
    await until('third range', () => edge.acknowledged().length === 2)
    expect(edge.acknowledged()).toEqual([
      [1n, 1n],
      [4n, 4n],
    ])
    expect(valuesOf(host.store.live)).toEqual([1, 2, 3])
  })

  test('tck-id-operational-behavior-host-reordering-rebirth: a lost message asks for a rebirth; nothing is acknowledged until it came, what did arrive is kept', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth()
    edge.count(1)
    edge.skip()
    edge.count(3)
    edge.watermark(1, 3)
    await until('rebirth request', () => edge.rebirths() === 1)
    await until('kept', () => valuesOf(host.store.live).includes(3))
    edge.watermark(4, 4)
    edge.nodeBirth()
    edge.deviceBirth()
    edge.count(2)
    edge.watermark(1, 2)
    await until('acknowledged', () => edge.acknowledged().length > 0)
    expect(edge.acknowledged()).toEqual([[1n, 2n]])
    expect(host.ingest.counters()).toMatchObject({ sequenceGaps: 1 })
  })

  test('tck-id-operational-behavior-host-reordering-success: messages that overtook each other are put in order, without a rebirth', async () => {
    await using host = open(broker.url, { reorderMs: 20_000 })
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth()
    const metric = (value: number): Metric[] => [{ alias: 20, at: value, type: 'Int32', value }]
    edge.say('DDATA', metric(12), 'plc', 3)
    edge.say('DDATA', metric(13), 'plc', 4)
    edge.say('DDATA', metric(11), 'plc', 2)
    await until('all committed', () => host.store.live.length === 4)
    expect(valuesOf(host.store.live)).toEqual([1, 11, 12, 13])
    expect(edge.rebirths()).toBe(0)
  })

  test('a full turn of numbers after a lost message is not taken for the lost one', async () => {
    await using host = open(broker.url, { reorderMs: 60_000, rebirthMs: 60_000 })
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth(0)
    edge.skip()
    for (let value = 1; value <= 300; value++) edge.count(value)
    edge.watermark(1, 300)
    await until('all kept', () => host.store.live.length === 301)
    expect(host.ingest.counters()).toMatchObject({ sequenceGaps: 1, rebirthRequests: 1 })
    expect(edge.acknowledged()).toEqual([])
  })

  test('data before any birth, and an unknown alias, ask for a rebirth, no faster than allowed', async () => {
    await using host = open(broker.url, { rebirthMs: 60_000 })
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    for (const value of [1, 2, 3]) edge.count(value)
    await until('asked', () => edge.rebirths() === 1)
    edge.nodeBirth()
    edge.deviceBirth()
    edge.say('DDATA', [{ alias: 99, at: 1, type: 'Int32', value: 1 }], 'plc')
    edge.watermark(1, 1)
    await until('seen', () => host.ingest.counters().unknownMetrics === 1)
    await until('committed', () => host.store.live.length === 1)
    expect(host.ingest.counters()).toMatchObject({ beforeBirth: 3, rebirthRequests: 1 })
    expect(edge.acknowledged()).toEqual([])
  })

  test("tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale: the will of the current session makes everything stale by the host's clock, that of an older one nothing", async () => {
    await using host = open(broker.url, { now: () => 77_000 })
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth(3)
    edge.deviceBirth(8)
    edge.die(2)
    await until('stale death', () => host.ingest.counters().staleDeaths === 1)
    expect(host.ingest.nodes()).toMatchObject([
      { online: true, bdSeq: 3, devices: [{ device: 'plc', online: true }] },
    ])
    edge.die(3)
    await until('offline', () => host.store.events.at(-1)?.kind === 'offline')
    await until('stale', () => host.store.live.length === 2)
    expect(host.store.live[1]).toEqual({
      tag: 'plant/gw1/plc/Count',
      at: 77_000,
      value: 8,
      quality: quality.stale,
    })
    expect(host.ingest.nodes()).toMatchObject([
      { online: false, devices: [{ device: 'plc', online: false }] },
    ])
  })

  test('tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale: a device death makes its tags stale at the payload timestamp', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth(8)
    edge.say('DDEATH', [], 'plc')
    await until('stale', () => host.store.live.length === 2)
    expect(host.store.live[1]).toMatchObject({ at: 1_000, value: 8, quality: quality.stale })
    expect(host.store.events.at(-1)).toEqual({
      kind: 'device-offline',
      site: 'plant',
      gateway: 'gw1',
      device: 'plc',
      at: 1_000,
    })
  })

  test('a calm value that a birth tells again after a death is good again at once, though it was read before the death', async () => {
    await using host = open(broker.url, { now: () => 77_000 })
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth(3)
    edge.deviceBirth(8)
    edge.die(3)
    await until('stale', () => host.store.live.length === 2)
    edge.nodeBirth(4)
    edge.deviceBirth(8)
    await until('good again', () => host.store.live.length === 4)
    expect(host.store.live.at(-1)).toEqual({
      tag: 'plant/gw1/plc/Count',
      at: 77_001,
      value: 8,
      quality: quality.good,
    })
  })

  test('a value read in the very millisecond of the death is not told twice: it takes the place of the stale mark', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    const at = (read: number): Metric[] => [
      { name: 'Count', alias: 21, at: read, type: 'Int32', value: read },
    ]
    edge.say('DBIRTH', at(600), 'plc')
    edge.say('DDEATH', [], 'plc')
    edge.say('DBIRTH', at(1_000), 'plc')
    edge.say('DDATA', at(1_200), 'plc')
    await until('the reading after', () => host.store.live.at(-1)?.at === 1_200)
    expect(host.store.live.map((one) => [one.at, one.quality])).toEqual([
      [600, quality.good],
      [1_000, quality.stale],
      [1_000, quality.good],
      [1_200, quality.good],
    ])
  })

  test('a tag that the next birth of its device leaves out is stale, the others are not', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    const left: Metric = { name: 'Left', alias: 21, at: 600, type: 'Int32', value: 3 }
    const kept: Metric = { name: 'Kept', alias: 22, at: 600, type: 'Int32', value: 4 }
    edge.say('DBIRTH', [left, kept], 'plc')
    edge.say('DBIRTH', [kept], 'plc')
    await until('stale', () => host.store.live.length === 4)
    const stale = host.store.live.filter((sample) => sample.quality === quality.stale)
    expect(stale).toEqual([
      { tag: 'plant/gw1/plc/Left', at: 1_000, value: 3, quality: quality.stale },
    ])
  })

  test('a device that is not born again after a rebirth is offline and its tags are stale', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    edge.nodeBirth()
    edge.deviceBirth(8)
    edge.nodeBirth()
    edge.watermark(1, 1)
    await until('stale', () => host.store.live.some((sample) => sample.quality === quality.stale))
    expect(host.store.events.at(-1)).toMatchObject({ kind: 'device-offline', device: 'plc' })
  })

  test('tck-id-topic-structure-namespace-duplicate-device-id-across-edge-node: hostile payloads are counted and cost their sender only, not the device of the same name behind another node', async () => {
    await using host = open(broker.url)
    await ready(host.ingest)
    await using edge = await openEdge(broker.url)
    await using other = await openEdge(broker.url, 'gw2')
    other.nodeBirth()
    other.deviceBirth()
    edge.nodeBirth()
    edge.deviceBirth()
    edge.client.publish(`${NODE}/DDATA/gw1/plc`, Buffer.from([0x12, 0x7f]))
    edge.client.publish(`${NODE}/DDATA/gw1/plc`, Buffer.alloc(40_000, Buffer.from([0x12, 0])))
    edge.client.publish(`${NODE}/NBIRTH/gw1`, Buffer.alloc(0))
    edge.client.publish('spBv1.0/nonsense', 'x')
    // An ill-typed value loses itself alone: sent again it would be no better.
    edge.say('DDATA', [{ alias: 20, at: 1, type: 'String', value: 'x' }], 'plc')
    other.count(5)
    other.watermark(1, 1)
    await until('other goes on', () => other.acknowledged().length === 1)
    await until('quarantined', () => host.ingest.counters().quarantined === 5)
    expect(valuesOf(host.store.live).sort()).toEqual([1, 1, 5])
  })
})

test('tck-id-operational-behavior-host-application-connect-will, -qos, -retained, tck-id-message-flow-phid-sparkplug-clean-session-311: every CONNECT carries a fresh will, read from the raw bytes', async () => {
  const connects: IConnectPacket[] = []
  const server = createServer((socket) => {
    const packets = parser()
    packets.on('packet', (packet) => {
      if (packet.cmd === 'connect') connects.push(packet)
      socket.destroy()
    })
    socket.on('data', (bytes) => packets.parse(bytes))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let time = 100
  {
    await using _host = open(`mqtt://127.0.0.1:${(server.address() as { port: number }).port}`, {
      now: () => time++,
    })
    await until('three connects', () => connects.length >= 3)
  }
  server.close()
  const timestamps = connects.map(({ clean, will }) => {
    expect(clean).toBe(true)
    expect(will).toMatchObject({ topic: STATE, qos: 1, retain: true })
    const state = parseState(String(will!.payload))!
    expect(state.online).toBe(false)
    return state.timestamp
  })
  expect(timestamps).toEqual([...new Set(timestamps)].sort((a, b) => a - b))
})
