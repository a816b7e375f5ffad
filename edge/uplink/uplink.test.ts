/** The edge node against real brokers, watched by a bare host: the assertions of Sparkplug 3.0 by their ids. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { type IConnectPacket, parser } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import type { Sample, Tag } from '../../protocol/model.ts'
import { formatState } from '../../protocol/sparkplug/delivery.ts'
import {
  decodePayload,
  encodePayload,
  type Metric,
  type Payload,
} from '../../protocol/sparkplug/payload.ts'
import { type Outbox, openOutbox } from '../outbox/outbox.ts'
import { brokers, type TestBroker, until } from './broker.fixture.ts'
import { type Command, openUplink, type Uplink, type UplinkOptions } from './uplink.ts'

const STATE = 'spBv1.0/STATE/mimamori'
const temperature: Tag = {
  id: 'plant/gw1/plc/Temperature',
  name: 'Temperature',
  type: 'Double',
  unit: '°C',
  address: {},
}
const count: Tag = { id: 'plant/gw1/plc/Count', name: 'Count', type: 'Int16', address: {} }
const never: Tag = { id: 'plant/gw1/pos/Never', name: 'Never', type: 'String', address: {} }

interface Seen {
  topic: string
  type: string
  payload: Payload
  qos: number
  retain: boolean
}

/** A host that only watches and says what it is told to. */
async function openWatcher(url: string) {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  const seen: Seen[] = []
  client.on('message', (topic, bytes, packet) => {
    const type = topic.split('/')[2] ?? ''
    if (!topic.includes('/STATE/') && !type.endsWith('CMD')) {
      seen.push({
        topic,
        type,
        payload: decodePayload(bytes),
        qos: packet.qos,
        retain: packet.retain,
      })
    }
  })
  await client.subscribeAsync('spBv1.0/#', { qos: 1 })
  const state = (online: boolean, timestamp: number) =>
    client.publishAsync(STATE, formatState({ online, timestamp }), { qos: 1, retain: true })
  const command = (topic: string, metrics: Metric[]) =>
    client.publishAsync(topic, Buffer.from(encodePayload({ at: 1, metrics })))
  return {
    client,
    seen,
    state,
    command,
    types: () => seen.map(({ type }) => type),
    of: (type: string) => seen.filter((message) => message.type === type),
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}

let folder = ''
let outbox: Outbox
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uplink-'))
  outbox = openOutbox({
    file: join(folder, 'outbox.db'),
    maxBytes: 1e7,
    maxAgeMs: 1e9,
    gateway: 'gw1',
  })
})
afterEach(async () => {
  await outbox[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const plc = { online: true }
const latest = new Map<string, Sample>()
function open(url: string, options: Partial<UplinkOptions> = {}): Uplink {
  plc.online = true
  latest.clear()
  latest.set(count.id, { tag: count.id, at: 50, value: -7, quality: 192 })
  return openUplink({
    url,
    site: 'plant',
    gateway: 'gw1',
    clientId: 'gw1',
    devices: () => [
      {
        device: 'plc',
        online: plc.online,
        tags: [temperature, count],
        latest: (tag) => latest.get(tag),
      },
      { device: 'pos', online: false, tags: [never], latest: () => undefined },
    ],
    targets: [{ id: 'hmi', kind: 'web', title: 'HMI', consent: 'request' }],
    software: 'mimamori 0.1.0',
    outbox,
    primaryHost: 'mimamori',
    delivery: 'acknowledged',
    ackTimeoutMs: 60_000,
    backoff: { minMs: 20, maxMs: 100 },
    log: createLog('uplink').child({}, { level: 'silent' }),
    ...options,
  })
}
function publish(uplink: Uplink, value: number, at = Date.now()): number {
  const samples: Sample[] = [{ tag: count.id, at, value, quality: 192 }]
  const number = outbox.append({ samples })
  uplink.publish(number, samples, [])
  return number
}
const named = (birth: Seen | undefined, name: string) =>
  birth?.payload.metrics.find((metric) => metric.name === name)
type Watcher = Awaited<ReturnType<typeof openWatcher>>
/** The name that the newest birth gave the gateway's running store. */
const storeOf = (watcher: Watcher) =>
  String(named(watcher.of('NBIRTH').at(-1), 'Delivery/Store')?.value)
const acknowledgeTo = (
  watcher: Watcher,
  store: string | undefined,
  { from, to }: { from: number; to: number },
) =>
  watcher.command('spBv1.0/plant/NCMD/gw1', [
    { name: 'Delivery/From', type: 'Int64', value: BigInt(from) },
    { name: 'Delivery/Acknowledged', type: 'Int64', value: BigInt(to) },
    ...(store === undefined
      ? []
      : [{ name: 'Delivery/Store', type: 'String' as const, value: store }]),
  ])
const born = (watcher: { types(): string[] }, times = 1) =>
  until(`birth ${times}`, () => watcher.types().filter((type) => type === 'DDEATH').length >= times)

describe.each(brokers)('the edge node over $name', ({ missing, open: openBroker }) => {
  let broker: TestBroker
  beforeEach(async ({ skip }) => {
    if (missing) skip()
    broker = await openBroker()
  })
  afterEach(() => broker?.[Symbol.asyncDispose]())

  test('tck-id-message-flow-edge-node-birth-publish-phid-wait-online, tck-id-message-flow-edge-node-birth-publish-phid-wait-id: no birth before its own primary host is online', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(false, 10)
    await watcher.client.publishAsync(
      'spBv1.0/STATE/other',
      formatState({ online: true, timestamp: 20 }),
      { qos: 1, retain: true },
    )
    let answered = false
    await using uplink = open(broker.url, {
      onCommand: () => {
        answered = true
      },
    })
    publish(uplink, 1)
    // A command comes after the retained STATEs: once it is here, the node has seen both.
    await until('subscribed', () => {
      watcher.command('spBv1.0/plant/NCMD/gw1', [{ name: 'Node Control/Echo', value: 1 }])
      return answered
    })
    expect(watcher.seen).toEqual([])
    await watcher.state(true, 30)
    await born(watcher)
  })

  test('tck-id-topics-nbirth-metric-reqs, tck-id-operational-behavior-data-commands-rebirth-name-aliases, tck-id-payloads-alias-uniqueness: births declare everything once, in order', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using _uplink = open(broker.url)
    await born(watcher)
    expect(watcher.types().slice(0, 4)).toEqual(['NBIRTH', 'DBIRTH', 'DBIRTH', 'DDEATH'])
    expect(watcher.seen.map(({ payload }) => payload.seq)).toEqual([0, 1, 2, 3])
    for (const { qos, retain, payload } of watcher.seen) {
      expect({ qos, retain }).toEqual({ qos: 0, retain: false })
      expect(payload.at).toBeGreaterThan(0)
      for (const metric of payload.metrics) {
        expect(metric).toMatchObject({
          name: expect.any(String),
          type: expect.any(String),
          at: expect.any(Number),
        })
      }
    }
    const nbirth = watcher.of('NBIRTH')[0]
    expect(named(nbirth, 'Node Control/Rebirth')).toMatchObject({ type: 'Boolean', value: false })
    expect(named(nbirth, 'Node Control/Rebirth')).not.toHaveProperty('alias')
    for (const name of [
      'Delivery/From',
      'Delivery/Watermark',
      'Delivery/Acknowledged',
      'Delivery/Gap',
    ]) {
      expect(named(nbirth, name), name).toMatchObject({ value: null })
    }
    expect(named(nbirth, 'Delivery/Store')?.value).toMatch(/^[\w-]{16}$/)
    expect(JSON.parse(String(named(nbirth, 'Properties/Targets')?.value))).toEqual([
      { id: 'hmi', kind: 'web', title: 'HMI', consent: 'request' },
    ])
    expect(named(nbirth, 'Properties/Software')?.value).toBe('mimamori 0.1.0')
    const [dbirth, pos] = watcher.of('DBIRTH')
    expect(named(dbirth, 'Count')).toMatchObject({ value: -7, at: 50, type: 'Int16' })
    expect(named(dbirth, 'Temperature')).toMatchObject({ unit: '°C', value: null, quality: 500 })
    expect(named(pos, 'Never')).toMatchObject({ value: null, quality: 500 })
    const aliases = watcher.seen.flatMap(({ payload }) =>
      payload.metrics.flatMap(({ alias }) => alias ?? []),
    )
    expect(new Set(aliases).size).toBe(aliases.length)
  })

  test('tck-id-payloads-alias-data-cmd-requirement, tck-id-payloads-ddata-seq-inc, tck-id-payloads-metric-datatype-not-req: data goes by alias without datatype, then its watermark', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using uplink = open(broker.url)
    await born(watcher)
    const number = publish(uplink, 42)
    await until('watermark', () => watcher.of('NDATA').length === 1)
    const alias = named(watcher.of('DBIRTH')[0], 'Count')!.alias
    const [ddata] = watcher.of('DDATA')
    expect(ddata!.payload.metrics).toEqual([{ alias, at: expect.any(Number), value: 42 }])
    const nodeAlias = (name: string) => named(watcher.of('NBIRTH')[0], name)!.alias
    const [ndata] = watcher.of('NDATA')
    expect(ndata!.payload.metrics.map((metric) => [metric.alias, metric.value])).toEqual([
      [nodeAlias('Delivery/From'), BigInt(number)],
      [nodeAlias('Delivery/Watermark'), BigInt(number)],
      [nodeAlias('Delivery/Store'), storeOf(watcher)],
    ])
    expect(watcher.seen.map(({ payload }) => payload.seq)).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('the outbox keeps a batch until exactly its range is acknowledged', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using uplink = open(broker.url)
    await born(watcher)
    const number = publish(uplink, 1)
    await until('watermark', () => watcher.of('NDATA').length === 1)
    const acknowledge = (from: number, to: number) =>
      acknowledgeTo(watcher, storeOf(watcher), { from, to })
    await acknowledge(number, number + 5)
    publish(uplink, 2)
    await until('second watermark', () => watcher.of('NDATA').length === 2)
    expect(outbox.depth().batches).toBe(2)
    await acknowledge(number, number)
    await until('deleted', () => outbox.depth().batches === 1)
    expect(outbox.peek(0, 10).map((batch) => batch.number)).toEqual([number + 1])
  })

  test('an acknowledgement for another store deletes nothing: of a second gateway of our name, of a run before, of nobody', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using uplink = open(broker.url)
    await born(watcher)
    const number = publish(uplink, 1)
    const range = { from: number, to: number }
    await until('watermark', () => watcher.of('NDATA').length === 1)
    for (const store of ['of-another-disk', undefined, '']) {
      await acknowledgeTo(watcher, store, range)
    }
    await until('heard', () => uplink.state().foreignAnswers === 3)
    expect(outbox.depth().batches).toBe(1)
    await acknowledgeTo(watcher, storeOf(watcher), range)
    await until('deleted', () => outbox.depth().batches === 0)
    expect(uplink.state().foreignAnswers).toBe(3)
  })

  test('each start names its store anew, for a copied disk holds whatever the disk holds', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    const stores: unknown[] = []
    for (const _ of [1, 2]) {
      await using _uplink = open(broker.url)
      await until('born', () => watcher.of('NBIRTH').length === stores.length + 1)
      stores.push(named(watcher.of('NBIRTH').at(-1), 'Delivery/Store')?.value)
    }
    expect(new Set(stores).size).toBe(2)
  })

  test('a range nobody acknowledges is sent again as history; what was appended before the session goes as history too', async () => {
    await using watcher = await openWatcher(broker.url)
    outbox.append({ samples: [{ tag: count.id, at: 5, value: 5, quality: 192 }] })
    await watcher.state(true, 10)
    await using uplink = open(broker.url, { ackTimeoutMs: 200 })
    await born(watcher)
    publish(uplink, 6)
    const sent = (historical: boolean) =>
      watcher
        .of('DDATA')
        .flatMap(({ payload }) =>
          payload.metrics
            .filter((metric) => (metric.historical ?? false) === historical)
            .map(({ value }) => value),
        )
    await until(
      'both sent again',
      () => sent(true).filter((value) => value === 5).length >= 2 && sent(true).includes(6),
    )
    expect(sent(false)).toEqual([6])
  })

  test('tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath, tck-id-payloads-ndeath-seq, tck-id-payloads-ndeath-bdseq: disposal publishes the NDEATH of its birth', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    {
      await using _uplink = open(broker.url)
      await born(watcher)
    }
    await until('NDEATH', () => watcher.of('NDEATH').length > 0)
    const death = watcher.of('NDEATH')[0]!
    expect(death.payload).not.toHaveProperty('seq')
    expect(death.payload.metrics).toEqual([
      { name: 'bdSeq', at: expect.any(Number), type: 'Int64', value: 0n },
    ])
    expect(death.retain).toBe(false)
    expect(watcher.of('NDEATH')).toHaveLength(1)
  })

  test('a host that never stops asking for births gets them in turns with the data', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using uplink = open(broker.url)
    await born(watcher)
    const startedAt = performance.now()
    const asking = setInterval(() => {
      void watcher.command('spBv1.0/plant/NCMD/gw1', [
        { name: 'Node Control/Rebirth', type: 'Boolean', value: true },
      ])
    }, 5)
    try {
      await until('asked', () => uplink.state().rebirthRequests > 20)
      const births = watcher.of('NBIRTH').length
      publish(uplink, 1)
      await until('told', () => watcher.of('DDATA').length > 0)
      await until('born again', () => watcher.of('NBIRTH').length > births)
    } finally {
      clearInterval(asking)
    }
    // The first, and one for each second that has passed.
    const seconds = (performance.now() - startedAt) / 1_000
    expect(watcher.of('NBIRTH').length).toBeLessThanOrEqual(2 + Math.ceil(seconds))
  })

  test('tags that change while their device is away are declared before its death', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    const tags = [never]
    await using uplink = open(broker.url, {
      devices: () => [{ device: 'pos', online: false, tags, latest: () => undefined }],
    })
    await born(watcher)
    uplink.deviceChanged('pos')
    await born(watcher, 2)
    expect(watcher.types()).toEqual(['NBIRTH', 'DBIRTH', 'DDEATH', 'DDEATH'])
    tags.push({ id: 'plant/gw1/pos/New', name: 'New', type: 'Boolean', address: {} })
    uplink.deviceChanged('pos')
    await born(watcher, 3)
    expect(watcher.types().slice(4)).toEqual(['DBIRTH', 'DDEATH'])
    expect(named(watcher.of('DBIRTH')[1], 'New')).toMatchObject({ type: 'Boolean', value: null })
    // A device nobody has heard of cannot die.
    uplink.deviceChanged('ghost')
    uplink.deviceChanged('pos')
    await born(watcher, 4)
    expect(watcher.seen.at(-1)!.topic).toBe('spBv1.0/plant/DDEATH/gw1/pos')
    expect(watcher.seen.some(({ topic }) => topic.endsWith('ghost'))).toBe(false)
  })

  test('samples of a tag that left the configuration are declared once more and told', async () => {
    await using watcher = await openWatcher(broker.url)
    outbox.append({ samples: [{ tag: 'plant/gw1/old/Gone', at: 5, value: 'x', quality: 192 }] })
    await watcher.state(true, 10)
    await using _uplink = open(broker.url)
    await until('told', () => watcher.of('DDATA').length > 0)
    const birth = watcher.of('DBIRTH').find(({ topic }) => topic.endsWith('/old'))
    expect(watcher.of('DDATA')[0]!.payload.metrics).toEqual([
      { alias: named(birth, 'Gone')!.alias, at: 5, value: 'x', historical: true },
    ])
  })

  test('a value that does not fit its declared type is told as bad, never wrapped', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using uplink = open(broker.url)
    await born(watcher)
    publish(uplink, 40_000)
    await until('told', () => watcher.of('DDATA').length > 0)
    expect(watcher.of('DDATA')[0]!.payload.metrics[0]).toMatchObject({ value: null, quality: 0 })
    expect(uplink.state().misfits).toBe(1)
  })

  test('commands reach their tag by name or alias, with the type of the tag; garbage is counted', async () => {
    const commands: Command[] = []
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    await using uplink = open(broker.url, { onCommand: (command) => commands.push(command) })
    await born(watcher)
    const alias = named(watcher.of('DBIRTH')[0], 'Count')!.alias
    await watcher.client.publishAsync('spBv1.0/plant/DCMD/gw1/plc', Buffer.from([0x12, 0x7f]))
    await watcher.command('spBv1.0/plant/DCMD/gw1/plc', [{ name: 'Unknown', value: 1 }])
    await watcher.command('spBv1.0/plant/DCMD/gw1/plc', [
      { name: 'Count', type: 'Int16', value: -5 },
    ])
    const raw = encodePayload(
      { at: 1, metrics: [{ alias, type: 'Int16', value: -6 }] },
      { omitTypes: true },
    )
    await watcher.client.publishAsync('spBv1.0/plant/DCMD/gw1/plc', Buffer.from(raw))
    await until('commands', () => commands.length === 2)
    expect(commands).toEqual(
      [-5, -6].map((value) => ({ device: 'plc', metric: 'Count', tag: count.id, value })),
    )
    expect(uplink.state().refusedMessages).toBe(2)
  })

  test('a number that says its type is that number: it is refused where the tag cannot hold it, not read as another', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    const commands: Command[] = []
    await using uplink = open(broker.url, { onCommand: (command) => commands.push(command) })
    await born(watcher)
    const topic = 'spBv1.0/plant/DCMD/gw1/plc'
    const wrong: Metric[] = [
      { name: 'Count', type: 'Int32', value: 70_000 },
      { name: 'Count', type: 'UInt16', value: 65_535 },
      { name: 'Count', type: 'UInt32', value: 4_294_967_295 },
      { name: 'Count', type: 'Int64', value: 65_535n },
      { name: 'Count', type: 'Double', value: 5.5 },
      { name: 'Count', type: 'String', value: '5' },
      { name: 'Count', type: 'Boolean', value: true },
    ]
    for (const metric of wrong) await watcher.command(topic, [metric])
    await watcher.command(topic, [{ name: 'Count', type: 'Int64', value: -7n }])
    await until('the good one', () => commands.length > 0)
    expect(commands.map(({ value }) => value)).toEqual([-7])
    expect(uplink.state().refusedMessages).toBe(wrong.length)
  })

  test('a primary host that goes offline stops the data, also while its stand-in has never said a word', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    const hosts = { standbyHosts: ['never-heard-of'], delivery: 'state' as const }
    await using uplink = open(broker.url, hosts)
    await born(watcher)
    publish(uplink, 1)
    await until('told', () => outbox.depth().batches === 0)
    await watcher.state(false, 11)
    await until('it left', () => watcher.of('NDEATH').length === 1)
    publish(uplink, 2)
    publish(uplink, 3)
    await watcher.state(true, 12)
    const told = () =>
      watcher.of('DDATA').flatMap(({ payload }) => payload.metrics.map(({ value }) => value))
    await until('told later', () => told().length >= 3)
    expect(told()).toEqual([1, 2, 3])
    const births = watcher.seen.findLastIndex(({ type }) => type === 'NBIRTH')
    const last = watcher.seen.findLastIndex(({ type }) => type === 'DDATA')
    expect(last).toBeGreaterThan(births)
  })

  test('a clock that is set back does not put off what is to be sent again', async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    let backMs = 0
    await using uplink = open(broker.url, { now: () => Date.now() - backMs, ackTimeoutMs: 300 })
    await born(watcher)
    publish(uplink, 42)
    await until('watermark', () => watcher.of('NDATA').length === 1)
    backMs = 3 * 3_600_000
    // Nobody answers.
    await until('sent again', () => watcher.of('NDATA').length > 1)
    expect(uplink.state().expiredRanges).toBeGreaterThan(0)
  })

  test("a command that the broker kept is nobody's order: it would be carried out again with every connection", async () => {
    await using watcher = await openWatcher(broker.url)
    await watcher.state(true, 10)
    const commands: Command[] = []
    const kept = encodePayload({ at: 1, metrics: [{ name: 'Count', type: 'Int16', value: -5 }] })
    const topic = 'spBv1.0/plant/DCMD/gw1/plc'
    await using uplink = open(broker.url, { onCommand: (command) => commands.push(command) })
    await born(watcher)
    await watcher.client.publishAsync(topic, Buffer.from(kept), { retain: true, qos: 1 })
    await until('the first, as it was given', () => commands.length === 1)
    uplink.reconnect()
    await until('born again', () => watcher.of('NBIRTH').length === 2)
    await until('turned away', () => uplink.state().refusedMessages === 1)
    await watcher.command(topic, [{ name: 'Count', type: 'Int16', value: -6 }])
    await until('the next', () => commands.length > 1)
    expect(commands.map(({ value }) => value)).toEqual([-5, -6])
  })

  test("delivery 'state' settles with any host: published while its STATE says online", async () => {
    await using watcher = await openWatcher(broker.url)
    outbox.append({ samples: [{ tag: count.id, at: 5, value: 5, quality: 192 }] })
    await using uplink = open(broker.url, { delivery: 'state' })
    await until('connected', () => uplink.state().connects > 0)
    expect(outbox.depth().batches).toBe(1)
    await watcher.state(true, 10)
    await until('settled', () => outbox.depth().batches === 0)
    await until('told', () => watcher.of('DDATA').length === 1)
  })
})

test('tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq, tck-id-payloads-ndeath-will-message-qos, tck-id-payloads-ndeath-will-message-retain, tck-id-principles-persistence-clean-session-311: every CONNECT carries a will of its own, read from the raw bytes', async () => {
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
  const { port } = server.address() as { port: number }
  {
    await using _uplink = open(`mqtt://127.0.0.1:${port}`)
    await until('three connects', () => connects.length >= 3)
  }
  server.close()
  for (const [index, { clean, will }] of connects.entries()) {
    expect(clean).toBe(true)
    expect(will).toMatchObject({ topic: 'spBv1.0/plant/NDEATH/gw1', qos: 1, retain: false })
    const { metrics, seq } = decodePayload(will!.payload as Buffer)
    expect(seq).toBeUndefined()
    expect(metrics).toMatchObject([{ name: 'bdSeq', type: 'Int64', value: BigInt(index) }])
  }
})
