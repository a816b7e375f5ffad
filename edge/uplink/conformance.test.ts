/** Sparkplug 3.0 held against one recorded session of the edge node per broker; each claim names its assertions. */
import { beforeAll, describe, expect, test } from 'vitest'
import { dataTypes } from '../../protocol/model.ts'
import { decodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { brokers } from './broker.fixture.ts'
import { type EdgeRecording, recordEdge } from './edge-recording.fixture.ts'
import { type Message, packetOf } from './recorder.fixture.ts'

const recordings = new Map<string, EdgeRecording>()
beforeAll(async () => {
  const present = brokers.filter(({ missing }) => !missing)
  const record = async ({ name, open }: (typeof present)[number]) => {
    await using broker = await open()
    recordings.set(name, await recordEdge(broker))
  }
  await Promise.all(present.map(record))
}, 120_000)

type Check = (record: EdgeRecording) => void
const of = (record: EdgeRecording, ...types: string[]) =>
  record.messages.filter(({ type }) => types.includes(type))
const births = (record: EdgeRecording) => of(record, 'NBIRTH', 'DBIRTH')
const bdSeqOf = ({ payload }: Pick<Message, 'payload'>) =>
  payload.metrics.find(({ name }) => name === 'bdSeq')
const willOf = (record: EdgeRecording, connection: number) => {
  const { will } = packetOf(record.sent, connection, 'connect')
  return { ...will!, payload: decodePayload(will!.payload as Buffer) }
}
const each = <Item>(items: readonly Item[], check: (item: Item) => void) => {
  expect(items.length).toBeGreaterThan(0)
  for (const item of items) check(item)
}
const onTopic =
  (type: string, device?: string): Check =>
  (record) =>
    each(of(record, type), ({ topicText, topic }) => {
      expect(topicText).toBe(
        `spBv1.0/plant/${type}/gw1${device === undefined ? '' : `/${topic.type !== 'STATE' && topic.device}`}`,
      )
    })
const unretained =
  (type: string): Check =>
  (record) => {
    each(of(record, type), ({ qos, retain }) =>
      expect({ qos, retain }).toEqual({ qos: 0, retain: false }),
    )
    // As a host hears it from the broker, too.
    const heard = record.heard.filter(({ topic }) => topic.includes(`/${type}/`))
    each(heard, ({ qos, retain }) => expect({ qos, retain }).toEqual({ qos: 0, retain: false }))
  }
const timed =
  (type: string): Check =>
  (record) =>
    each(of(record, type), ({ payload }) => {
      expect(payload.at).toBeGreaterThanOrEqual(record.startedAt)
      expect(payload.at).toBeLessThanOrEqual(record.endedAt)
    })
/** Every message but an NBIRTH has the number after the one before it; an NBIRTH begins anew at 0. */
const numbered =
  (type: string): Check =>
  (record) => {
    const numbers = record.messages.filter((message) => message.type !== 'NDEATH')
    for (const [index, message] of numbers.entries()) {
      if (message.type !== type) continue
      const before = numbers[index - 1]?.payload.seq ?? 0
      expect(message.payload.seq).toBe(type === 'NBIRTH' ? 0 : (before + 1) % 256)
    }
    expect(of(record, type).length).toBeGreaterThan(0)
  }
/** No data before all births of its session are out. */
const afterBirths: Check = (record) => {
  for (const connection of [0, 2]) {
    const types = record.messages.filter((m) => m.connection === connection).map(({ type }) => type)
    expect(types.slice(0, 4)).toEqual(['NBIRTH', 'DBIRTH', 'DBIRTH', 'DDEATH'])
  }
}

const claims: Record<string, Check> = {
  'tck-id-intro-group-id-string, tck-id-intro-group-id-chars, tck-id-intro-edge-node-id-string, tck-id-intro-edge-node-id-chars, tck-id-intro-device-id-string, tck-id-intro-device-id-chars, tck-id-topic-structure-namespace-a, tck-id-topic-structure-namespace-valid-edge-node-id, tck-id-topic-structure-namespace-valid-device-id: every topic is made of the namespace and valid ids':
    (record) =>
      each(record.messages, ({ topicText }) =>
        expect(topicText).toMatch(/^spBv1\.0\/plant\/[A-Z]+\/gw1(\/(plc|pos))?$/),
      ),
  'tck-id-topic-structure-namespace-device-id-non-associated-message-types: a device id stands in messages of devices only':
    (record) =>
      each(record.messages, ({ topic, type }) =>
        expect('device' in topic && topic.device !== undefined).toBe(type.startsWith('D')),
      ),
  'tck-id-topic-structure-namespace-unique-device-id: each device is born once in a birth sequence':
    (record) => {
      const born = of(record, 'DBIRTH').filter(({ connection }) => connection === 2)
      expect(born.map(({ topicText }) => topicText.split('/')[4])).toEqual(['plc', 'pos', 'plc'])
      // The third: a tag that left the configuration is declared once more for what still waits of it.
      expect(born[2]!.payload.metrics).toHaveLength(born[0]!.payload.metrics.length + 1)
    },
  'tck-id-principles-birth-certificates-order, tck-id-message-flow-edge-node-birth-publish-connect, tck-id-message-flow-device-birth-publish-nbirth-wait, tck-id-payloads-dbirth-order, tck-id-payloads-ndata-order, tck-id-payloads-ddata-order: a session begins with CONNECT, NBIRTH and all DBIRTHs':
    (record) => {
      afterBirths(record)
      for (const connection of [0, 1, 2]) {
        const cmds = record.sent.filter((s) => s.connection === connection).map((s) => s.packet.cmd)
        expect(cmds.slice(0, 2)).toEqual(['connect', 'subscribe'])
      }
    },
  'tck-id-topics-nbirth-topic, tck-id-message-flow-edge-node-birth-publish-nbirth-topic: NBIRTH on its topic':
    onTopic('NBIRTH'),
  'tck-id-topics-ndata-topic: NDATA on its topic': onTopic('NDATA'),
  'tck-id-topics-ndeath-topic: NDEATH on its topic': onTopic('NDEATH'),
  'tck-id-topics-dbirth-topic, tck-id-message-flow-device-birth-publish-dbirth-topic, tck-id-message-flow-device-birth-publish-dbirth-match-edge-node-topic: DBIRTH on its topic, with the ids of the NBIRTH':
    onTopic('DBIRTH', 'plc'),
  'tck-id-topics-ddata-topic: DDATA on its topic': onTopic('DDATA', 'plc'),
  'tck-id-topics-ddeath-topic: DDEATH on its topic': onTopic('DDEATH', 'plc'),
  'tck-id-topics-nbirth-mqtt, tck-id-payloads-nbirth-qos, tck-id-payloads-nbirth-retain, tck-id-message-flow-edge-node-birth-publish-nbirth-qos, tck-id-message-flow-edge-node-birth-publish-nbirth-retained: NBIRTH by QoS 0, not retained':
    unretained('NBIRTH'),
  'tck-id-topics-dbirth-mqtt, tck-id-payloads-dbirth-qos, tck-id-payloads-dbirth-retain, tck-id-message-flow-device-birth-publish-dbirth-qos, tck-id-message-flow-device-birth-publish-dbirth-retained: DBIRTH by QoS 0, not retained':
    unretained('DBIRTH'),
  'tck-id-topics-ndata-mqtt, tck-id-payloads-ndata-qos, tck-id-payloads-ndata-retain: NDATA by QoS 0, not retained':
    unretained('NDATA'),
  'tck-id-topics-ddata-mqtt, tck-id-payloads-ddata-qos, tck-id-payloads-ddata-retain: DDATA by QoS 0, not retained':
    unretained('DDATA'),
  'tck-id-topics-ddeath-mqtt: DDEATH by QoS 0, not retained': unretained('DDEATH'),
  'tck-id-topics-nbirth-timestamp, tck-id-payloads-nbirth-timestamp, tck-id-payloads-timestamp-in-UTC: NBIRTH tells when it was sent, in UTC':
    timed('NBIRTH'),
  'tck-id-topics-dbirth-timestamp, tck-id-payloads-dbirth-timestamp: DBIRTH tells when it was sent':
    timed('DBIRTH'),
  'tck-id-topics-ndata-timestamp, tck-id-payloads-ndata-timestamp: NDATA tells when it was sent':
    timed('NDATA'),
  'tck-id-topics-ddata-timestamp, tck-id-payloads-ddata-timestamp: DDATA tells when it was sent':
    timed('DDATA'),
  'tck-id-payloads-ddeath-timestamp: DDEATH tells when it was sent': timed('DDEATH'),
  'tck-id-topics-nbirth-seq-num, tck-id-payloads-nbirth-seq, tck-id-payloads-sequence-num-req-nbirth, tck-id-message-flow-edge-node-birth-publish-nbirth-payload-seq: NBIRTH has the number 0':
    numbered('NBIRTH'),
  'tck-id-topics-dbirth-seq, tck-id-payloads-dbirth-seq, tck-id-payloads-dbirth-seq-inc, tck-id-message-flow-device-birth-publish-dbirth-payload-seq: DBIRTH has the next number':
    numbered('DBIRTH'),
  'tck-id-topics-ndata-seq-num, tck-id-payloads-ndata-seq, tck-id-payloads-ndata-seq-inc: NDATA has the next number, 0 after 255':
    (record) => {
      numbered('NDATA')(record)
      const numbers = of(record, 'NDATA').map(({ payload }) => payload.seq)
      expect(numbers).toContain(255)
      expect(numbers.slice(numbers.indexOf(255)).at(1)).toBe(0)
    },
  'tck-id-topics-ddata-seq-num, tck-id-payloads-ddata-seq: DDATA has the next number':
    numbered('DDATA'),
  'tck-id-topics-ddeath-seq-num, tck-id-payloads-ddeath-seq, tck-id-payloads-ddeath-seq-inc, tck-id-payloads-ddeath-seq-number: DDEATH has the next number':
    numbered('DDEATH'),
  'tck-id-payloads-sequence-num-always-included: every message but NDEATH is numbered': (record) =>
    each(record.messages, ({ type, payload }) =>
      expect(payload.seq !== undefined).toBe(type !== 'NDEATH'),
    ),
  'tck-id-topics-nbirth-metrics, tck-id-operational-behavior-data-publish-nbirth-values, tck-id-payloads-metric-datatype-req, tck-id-payloads-metric-datatype-value, tck-id-payloads-metric-datatype-value-type: an NBIRTH metric has name, type and a value or null':
    (record) => each(of(record, 'NBIRTH'), ({ payload }) => declared(payload.metrics)),
  'tck-id-topics-dbirth-metrics, tck-id-operational-behavior-data-publish-dbirth-values: a DBIRTH metric has name, type and its current value, or null':
    (record) => {
      each(of(record, 'DBIRTH'), ({ payload }) => declared(payload.metrics))
      const [first] = of(record, 'DBIRTH')
      const [, , again] = of(record, 'DBIRTH')
      expect(first!.payload.metrics[1]).toMatchObject({ name: 'Count', value: null })
      expect(again!.payload.metrics).toMatchObject([{ name: 'Count', value: 2 }])
    },
  'tck-id-topics-dbirth-metric-reqs, tck-id-operational-behavior-data-publish-dbirth, tck-id-operational-behavior-data-publish-nbirth: whatever data names was born before it':
    (record) => {
      let aliases = new Map<number, string>()
      each(record.messages, ({ type, topicText, payload }) => {
        const place = topicText.replace(/[ND](BIRTH|DATA|DEATH)/, '')
        if (type === 'NBIRTH') aliases = new Map()
        if (type.endsWith('BIRTH')) {
          for (const { alias } of payload.metrics)
            if (alias !== undefined) aliases.set(alias, place)
        }
        if (!type.endsWith('DATA')) return
        for (const { alias } of payload.metrics) expect(aliases.get(alias!)).toBe(place)
      })
    },
  'tck-id-topics-nbirth-bdseq-included, tck-id-payloads-nbirth-bdseq, tck-id-topics-nbirth-bdseq-matching, tck-id-payloads-nbirth-bdseq-repeat, tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq: NBIRTH repeats the bdSeq of its will':
    (record) =>
      each(of(record, 'NBIRTH'), (message) => {
        expect(bdSeqOf(message)).toMatchObject({ type: 'Int64' })
        const will = willOf(record, message.connection)
        expect(bdSeqOf(message)!.value).toBe(bdSeqOf(will)!.value)
      }),
  'tck-id-topics-nbirth-bdseq-increment, tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq: the bdSeq starts at 0 and rises with every CONNECT':
    (record) => {
      const numbers = [0, 1, 2].map((connection) => bdSeqOf(willOf(record, connection))!.value)
      expect(numbers).toEqual([0n, 1n, 2n])
    },
  'tck-id-topics-nbirth-rebirth-metric, tck-id-payloads-nbirth-rebirth-req, tck-id-operational-behavior-data-commands-rebirth-name, tck-id-operational-behavior-data-commands-rebirth-datatype, tck-id-operational-behavior-data-commands-rebirth-value: NBIRTH offers Node Control/Rebirth, Boolean, false':
    (record) =>
      each(of(record, 'NBIRTH'), ({ payload }) => {
        const rebirth = payload.metrics.find(({ name }) => name === 'Node Control/Rebirth')
        expect(rebirth).toMatchObject({ type: 'Boolean', value: false })
        expect(rebirth).not.toHaveProperty('alias')
      }),
  'tck-id-message-flow-edge-node-birth-publish-nbirth-payload, tck-id-message-flow-device-birth-publish-dbirth-payload, tck-id-message-flow-edge-node-birth-publish-will-message-payload: births and will are Sparkplug protobuf':
    (record) => {
      each(births(record), ({ payload }) => expect(payload.metrics.length).toBeGreaterThan(0))
      expect(willOf(record, 0).payload.metrics).toHaveLength(1)
    },
  'tck-id-payloads-name-requirement, tck-id-payloads-alias-birth-requirement: births give names, and aliases to all that data will name':
    (record) =>
      each(births(record), ({ payload }) =>
        each(payload.metrics, ({ name, alias }) => {
          expect(name).toBeTruthy()
          const bare = name === 'bdSeq' || name === 'Node Control/Rebirth'
          expect(alias === undefined, name).toBe(bare)
        }),
      ),
  'tck-id-payloads-alias-data-cmd-requirement, tck-id-payloads-metric-datatype-not-req: data names by alias alone, without types':
    (record) =>
      each(of(record, 'NDATA', 'DDATA'), ({ payload }) =>
        each(payload.metrics, (metric) => {
          expect(metric).toHaveProperty('alias')
          expect(metric).not.toHaveProperty('name')
          expect(metric).not.toHaveProperty('type')
        }),
      ),
  'tck-id-payloads-name-birth-data-requirement, tck-id-payloads-metric-timestamp-in-UTC: every metric has its time, in UTC':
    (record) =>
      each(of(record, 'NBIRTH', 'DBIRTH', 'NDATA', 'DDATA'), ({ payload }) =>
        each(payload.metrics, ({ at }) => {
          expect(at).toBeGreaterThan(record.startedAt - 1_000)
          expect(at).toBeLessThanOrEqual(record.endedAt)
        }),
      ),
  'tck-id-operational-behavior-data-publish-dbirth-order, tck-id-operational-behavior-data-publish-nbirth-order: metrics that are no history stand in the order of their times':
    (record) => {
      each(of(record, 'NBIRTH', 'DBIRTH', 'NDATA', 'DDATA'), ({ payload }) => {
        const times = payload.metrics.filter((m) => !m.historical).map(({ at }) => at ?? 0)
        expect(times).toEqual([...times].sort((a, b) => a - b))
      })
      // The younger sample was handed over first.
      expect(of(record, 'DDATA')[0]!.payload.metrics.map(({ value }) => value)).toEqual([20.5, 2])
    },
  'tck-id-payloads-metric-propertyvalue-type-req, tck-id-payloads-metric-propertyvalue-type-type, tck-id-payloads-metric-propertyvalue-type-value, tck-id-payloads-propertyset-keys-array-size, tck-id-payloads-propertyset-quality-value-value: properties are typed, and Quality is 0, 192 or 500':
    (record) => {
      const qualities = record.messages.flatMap(({ payload }) =>
        payload.metrics.flatMap(({ quality }) => quality ?? []),
      )
      expect(new Set(qualities)).toEqual(new Set([500]))
      const [birth] = of(record, 'DBIRTH')
      // By the bytes: engUnit, then its value with type 12 (String).
      expect(birth!.bytes.includes(Buffer.from('\x08\x0c\x42\x03°C'))).toBe(true)
      expect(birth!.payload.metrics.every(({ properties }) => properties === undefined)).toBe(true)
    },
  'tck-id-topics-ndata-payload, tck-id-topics-ddata-payload, tck-id-operational-behavior-data-publish-nbirth-change, tck-id-operational-behavior-data-publish-dbirth-change, tck-id-principles-rbe-recommended: data is what was handed over, and nothing is said when nothing is':
    (record) => {
      const live = of(record, 'DDATA').flatMap(({ payload }) =>
        payload.metrics.filter(({ historical }) => !historical),
      )
      expect(live.map(({ value }) => value)).toEqual([20.5, 2, 3])
      const { born, data } = record.marks as Record<string, number>
      expect(record.messages.slice(born, data).map(({ type }) => type)).toEqual(['DDATA', 'NDATA'])
    },
  'tck-id-message-flow-edge-node-birth-publish-will-message, tck-id-message-flow-edge-node-birth-publish-will-message-topic, tck-id-message-flow-edge-node-birth-publish-will-message-qos, tck-id-message-flow-edge-node-birth-publish-will-message-will-retained, tck-id-payloads-ndeath-will-message, tck-id-payloads-ndeath-will-message-qos, tck-id-payloads-ndeath-will-message-retain: every CONNECT has its NDEATH as will, QoS 1, not retained':
    (record) =>
      each([0, 1, 2], (connection) =>
        expect(willOf(record, connection)).toMatchObject({
          ...{ topic: 'spBv1.0/plant/NDEATH/gw1', qos: 1, retain: false },
        }),
      ),
  'tck-id-topics-ndeath-payload, tck-id-topics-ndeath-seq: an NDEATH holds its bdSeq and nothing else, the will too':
    (record) =>
      each([...of(record, 'NDEATH'), ...[0, 1, 2].map((at) => willOf(record, at))], (death) => {
        expect(death.payload.metrics).toHaveLength(1)
        expect(bdSeqOf(death)).toBeDefined()
        expect(death.payload.seq).toBeUndefined()
      }),
  'tck-id-principles-persistence-clean-session-311: every CONNECT asks for a clean session': (
    record,
  ) => each([0, 1, 2], (at) => expect(packetOf(record.sent, at, 'connect').clean).toBe(true)),
  'tck-id-message-flow-edge-node-ncmd-subscribe, tck-id-message-flow-device-dcmd-subscribe, tck-id-operational-behavior-primary-application-state-with-multiple-servers-state-subs: it listens to NCMD, to DCMD of its devices and to STATE by QoS 1':
    (record) =>
      each([0, 1, 2], (connection) => {
        const { subscriptions } = packetOf(record.sent, connection, 'subscribe')
        expect(subscriptions.map(({ topic, qos }) => [topic, qos])).toEqual([
          ...[
            ['spBv1.0/plant/NCMD/gw1', 1],
            ['spBv1.0/plant/DCMD/gw1/+', 1],
          ],
          ['spBv1.0/STATE/mimamori', 1],
        ])
      }),
  'tck-id-message-flow-edge-node-birth-publish-phid-wait, tck-id-message-flow-edge-node-birth-publish-phid-wait-id, tck-id-message-flow-edge-node-birth-publish-phid-wait-online, tck-id-operational-behavior-edge-node-birth-sequence-wait: nothing is said while its own host is offline, though another is online':
    (record) => expect(record.marks['host offline']).toBe(0),
  'tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp: an online STATE older than the last word is not believed, one of the same time is':
    (record) => {
      expect(record.marks['host online, but earlier']).toBe(0)
      expect(record.marks.born).toBe(4)
      // Once before the births, and once when an older offline came.
      expect(record.staleStates).toBe(2)
    },
  'tck-id-operational-behavior-device-ddeath: a device that is lost dies at once, and is born again with the tags it has now':
    (record) => {
      const { data, 'device back': back } = record.marks as Record<string, number>
      const told = record.messages.slice(data, back)
      expect(told.map(({ type }) => type)).toEqual(['DDEATH', 'DBIRTH'])
      expect(told[1]!.payload.metrics.map(({ name }) => name)).toEqual(['Count'])
    },
  'tck-id-operational-behavior-data-commands-rebirth-action-1, tck-id-operational-behavior-data-commands-rebirth-action-2, tck-id-operational-behavior-data-commands-rebirth-action-3: a rebirth is a whole birth sequence with the same bdSeq, data after it':
    (record) => {
      const { 'full circle': from, reborn } = record.marks as Record<string, number>
      const told = record.messages.slice(from, reborn)
      expect(told.slice(0, 4).map(({ type }) => type)).toEqual([
        ...['NBIRTH', 'DBIRTH', 'DBIRTH', 'DDEATH'],
      ])
      expect(told.slice(4).every(({ type }) => /DATA|DBIRTH/.test(type))).toBe(true)
      const [first, second] = of(record, 'NBIRTH')
      expect(bdSeqOf(second!)!.value).toBe(bdSeqOf(first!)!.value)
    },
  'tck-id-operational-behavior-edge-node-termination-host-offline-timestamp: an offline STATE older than the online one changes nothing':
    (record) => {
      const { reborn, 'older offline': after } = record.marks as Record<string, number>
      const told = record.messages.slice(reborn, after)
      expect(told.map(({ type }) => type)).toEqual(['DDATA', 'NDATA'])
    },
  'tck-id-message-flow-edge-node-birth-publish-phid-offline, tck-id-operational-behavior-edge-node-termination-host-offline, tck-id-payloads-ndeath-will-message-publisher, tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt311, tck-id-operational-behavior-edge-node-intentional-disconnect-packet, tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath: a valid offline STATE is answered by NDEATH and DISCONNECT, then all begins anew':
    (record) => {
      const last = record.sent
        .filter(({ connection, packet }) => connection === 0 && packet.cmd !== 'puback')
        .slice(-2)
      expect(last.map(({ packet }) => packet.cmd)).toEqual(['publish', 'disconnect'])
      expect(of(record, 'NDEATH')[0]).toMatchObject({ connection: 0, retain: false })
      expect(record.marks['host gone']).toBe(record.messages.findIndex((m) => m.connection === 1))
    },
  'tck-id-payloads-ndeath-bdseq: the will of a cut line reaches the host with the bdSeq of its birth':
    (record) => {
      const deaths = record.heard.filter(({ topic }) => topic.includes('NDEATH'))
      expect(deaths.map(({ metrics }) => metrics[0]!.value)).toEqual([0n, 1n, 2n])
      expect(of(record, 'NDEATH').map((death) => bdSeqOf(death)!.value)).toEqual([0n, 2n])
    },
  'tck-id-operational-behavior-primary-application-state-with-multiple-servers-single-server: one connection at a time':
    (record) => expect(record.mostOpen).toBe(1),
  'tck-id-operational-behavior-data-commands-dcmd-verb, tck-id-operational-behavior-data-commands-dcmd-metric-value: a DCMD reaches its tag with the value in the type of the tag':
    (record) =>
      expect(record.commands).toEqual([
        { device: 'plc', metric: 'Count', tag: 'plant/gw1/plc/Count', value: -5 },
      ]),
}

function declared(metrics: readonly Metric[]): void {
  each(metrics, (metric) => {
    expect(metric.name).toBeTruthy()
    expect(dataTypes).toContain(metric.type)
    expect(metric).toHaveProperty('value')
  })
}

describe.each(brokers)('the edge node, recorded over $name', ({ name, missing }) => {
  test.skipIf(missing).each(Object.entries(claims))('%s', (_, check) => {
    check(recordings.get(name)!)
  })
})
