/** Sparkplug 3.0 held against one recorded session of the host application per broker; each claim names its assertions. */
import mqtt from 'mqtt'
import { beforeAll, describe, expect, test } from 'vitest'
import { brokers, until } from '../../edge/uplink/broker.fixture.ts'
import {
  type Message,
  messagesOf,
  openRecorder,
  packetOf,
  type Sent,
} from '../../edge/uplink/recorder.fixture.ts'
import { createLog } from '../../protocol/kit/log.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import { encodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { openIngest } from './ingest.ts'

interface HostRecording {
  sent: Sent[]
  /** NCMDs. */
  messages: Message[]
  events: NodeEvent[]
  /** The clock of the host counts from here, by one at each look. */
  startedAt: number
  endedAt: number
}

const STATE = 'spBv1.0/STATE/mimamori'
const recordings = new Map<string, HostRecording>()
beforeAll(async () => {
  const present = brokers.filter(({ missing }) => !missing)
  const record = async ({ name, open }: (typeof present)[number]) => {
    await using broker = await open()
    recordings.set(name, await recordHost(broker.url))
  }
  await Promise.all(present.map(record))
}, 120_000)

async function recordHost(url: string): Promise<HostRecording> {
  await using recorder = await openRecorder(url)
  const record: HostRecording = {
    ...{ sent: recorder.sent, messages: [], events: [], startedAt: Date.now(), endedAt: 0 },
  }
  const open = () =>
    openIngest({
      connect: (options) => mqtt.connect(recorder.url, { ...options, clientId: 'host' }),
      hostId: 'mimamori',
      commit: async () => {},
      onNode: (event) => record.events.push(event),
      ...{ commitMs: 20, reorderMs: 50, rebirthMs: 50, backoff: { minMs: 20, maxMs: 100 } },
      log: createLog('ingest').child({}, { level: 'silent' }),
    })
  const edge = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  {
    await using ingest = open()
    await until('online', () => ingest.connected())
    await playEdge(edge, record, (condition) =>
      recorder.when('an answer', () => condition(recorder.sent)),
    )
    // Somebody says we are gone, as a late will would: it must be overruled.
    await edge.publishAsync(STATE, '{"online":false,"timestamp":5}', { qos: 1, retain: true })
    await recorder.when('overruled', () => statesOf(recorder.sent, 0).length === 2)
  }
  await recorder.when('closed', () => recorder.open() === 0)
  {
    await using ingest = open()
    await until('online again', () => ingest.connected())
  }
  await recorder.when('closed again', () => recorder.open() === 0)
  await edge.endAsync(true)
  record.messages = messagesOf(recorder.sent)
  record.endedAt = Date.now()
  return record
}

/** A bare edge node: births, a range to acknowledge, a lost message, deaths. */
async function playEdge(
  edge: mqtt.MqttClient,
  record: HostRecording,
  when: (condition: (sent: readonly Sent[]) => boolean) => Promise<void>,
): Promise<void> {
  const say = (type: string, seq: number | undefined, metrics: Metric[], device = '') =>
    edge.publishAsync(
      `spBv1.0/plant/${type}/gw1${device}`,
      Buffer.from(encodePayload({ at: 1_000, seq, metrics })),
    )
  const bdSeq: Metric = { name: 'bdSeq', type: 'Int64', value: 7n }
  const whole = (name: string, alias: number, value: bigint | null): Metric => {
    return { name, alias, at: 1, type: 'Int64', value }
  }
  await say('NBIRTH', 0, [
    ...[bdSeq, whole('Delivery/From', 1, null), whole('Delivery/Watermark', 2, null)],
    whole('Delivery/Acknowledged', 3, null),
  ])
  await say('DBIRTH', 1, [{ name: 'T', alias: 9, at: 1, type: 'Int32', value: 1 }], '/plc')
  await say('NDATA', 2, [whole('Delivery/From', 1, 4n), whole('Delivery/Watermark', 2, 6n)])
  await when((sent) => messagesOf(sent).length === 1)
  // Number 3 is lost.
  await say('DDATA', 4, [{ alias: 9, at: 2, type: 'Int32', value: 2 }], '/plc')
  await when((sent) => messagesOf(sent).length === 2)
  await say('NBIRTH', 0, [bdSeq])
  await say('DBIRTH', 1, [{ name: 'T', alias: 9, at: 3, type: 'Int32', value: 3 }], '/plc')
  await say('DDEATH', 2, [], '/plc')
  await say('NDEATH', undefined, [bdSeq])
  await until('dead', () => record.events.some(({ kind }) => kind === 'offline'))
}

interface Stated {
  qos: number
  retain: boolean
  online: boolean
  timestamp: number
}
function statesOf(sent: readonly Sent[], connection: number): Stated[] {
  return sent.flatMap((each) => {
    const { packet } = each
    if (each.connection !== connection || packet.cmd !== 'publish' || packet.topic !== STATE)
      return []
    const { qos, retain } = packet
    return [{ qos, retain, ...JSON.parse(String(packet.payload)) }]
  })
}
const willOf = ({ sent }: HostRecording, connection: number): Stated & { topic: string } => {
  const { will } = packetOf(sent, connection, 'connect')
  const { qos, retain, topic } = will!
  return { qos, retain: retain ?? false, topic, ...JSON.parse(String(will!.payload)) }
}
/** What it says of itself: not the answers to what the broker sends. */
const kindsOf = ({ sent }: HostRecording, connection: number) =>
  sent
    .filter((each) => each.connection === connection && each.packet.cmd !== 'puback')
    .map(({ packet }) => packet.cmd)

type Check = (record: HostRecording) => void
const claims: Record<string, Check> = {
  'tck-id-conformance-primary-host, tck-id-intro-sparkplug-host-state, tck-id-components-ph-state, tck-id-host-topic-phid-birth-message, tck-id-host-topic-phid-birth-required, tck-id-host-topic-phid-birth-sub-required, tck-id-message-flow-phid-sparkplug-subscription, tck-id-message-flow-phid-sparkplug-state-publish, tck-id-payloads-state-subscribe, tck-id-operational-behavior-host-application-connect-birth, tck-id-operational-behavior-primary-application-state-with-multiple-servers-state: a session is CONNECT, SUBSCRIBE, and STATE as its first message':
    (record) => {
      for (const connection of [0, 1]) {
        expect(kindsOf(record, connection).slice(0, 3)).toEqual(['connect', 'subscribe', 'publish'])
        const first = packetOf(record.sent, connection, 'publish')
        expect(first.topic).toBe(STATE)
        const { subscriptions } = packetOf(record.sent, connection, 'subscribe')
        expect(subscriptions.map(({ topic }) => topic)).toEqual([STATE, 'spBv1.0/#'])
      }
    },
  'tck-id-host-topic-phid-birth-qos, tck-id-host-topic-phid-birth-retain, tck-id-host-topic-phid-birth-topic, tck-id-host-topic-phid-birth-payload, tck-id-payloads-state-birth, tck-id-operational-behavior-host-application-connect-birth-topic, tck-id-operational-behavior-host-application-connect-birth-qos, tck-id-operational-behavior-host-application-connect-birth-retained: the birth is JSON, QoS 1, retained':
    (record) => {
      for (const connection of [0, 1]) {
        expect(statesOf(record.sent, connection)[0]).toMatchObject({
          qos: 1,
          retain: true,
          online: true,
        })
      }
    },
  'tck-id-host-topic-phid-birth-payload-timestamp, tck-id-message-flow-phid-sparkplug-state-publish-payload, tck-id-message-flow-phid-sparkplug-state-publish-payload-timestamp, tck-id-payloads-state-birth-payload, tck-id-operational-behavior-host-application-connect-birth-payload, tck-id-operational-behavior-host-application-multi-server-timestamp: the birth has the time of the will of its own session':
    (record) => {
      const times = [0, 1].map((connection) => willOf(record, connection).timestamp)
      expect([0, 1].map((at) => statesOf(record.sent, at)[0]!.timestamp)).toEqual(times)
      expect(times[1]).toBeGreaterThan(times[0]!)
    },
  'tck-id-host-topic-phid-death-required, tck-id-host-topic-phid-death-qos, tck-id-host-topic-phid-death-retain, tck-id-host-topic-phid-death-topic, tck-id-host-topic-phid-death-payload, tck-id-payloads-state-will-message, tck-id-payloads-state-will-message-qos, tck-id-payloads-state-will-message-retain, tck-id-payloads-state-will-message-payload, tck-id-operational-behavior-host-application-connect-will, tck-id-operational-behavior-host-application-connect-will-topic, tck-id-operational-behavior-host-application-connect-will-payload, tck-id-operational-behavior-host-application-connect-will-qos, tck-id-operational-behavior-host-application-connect-will-retained, tck-id-operational-behavior-host-application-death-payload: every CONNECT has its STATE death as will':
    (record) => {
      for (const connection of [0, 1]) {
        const will = { topic: STATE, qos: 1, retain: true, online: false }
        expect(willOf(record, connection)).toMatchObject(will)
      }
    },
  'tck-id-host-topic-phid-death-payload-timestamp-connect: the time of the will is that of the CONNECT':
    (record) => {
      for (const connection of [0, 1]) {
        const { timestamp } = willOf(record, connection)
        expect(timestamp).toBeGreaterThanOrEqual(record.startedAt)
        expect(timestamp).toBeLessThanOrEqual(record.endedAt)
      }
    },
  'tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean, tck-id-operational-behavior-host-application-termination, tck-id-operational-behavior-host-application-death-topic, tck-id-operational-behavior-host-application-death-qos, tck-id-operational-behavior-host-application-death-retained, tck-id-operational-behavior-host-application-disconnect-intentional: before DISCONNECT it says it goes, with the time of going':
    (record) => {
      for (const connection of [0, 1]) {
        expect(kindsOf(record, connection).slice(-2)).toEqual([...['publish', 'disconnect']])
        const last = statesOf(record.sent, connection).at(-1)!
        expect(last).toMatchObject({ qos: 1, retain: true, online: false })
        expect(last.timestamp).toBeGreaterThanOrEqual(willOf(record, connection).timestamp)
      }
    },
  'tck-id-message-flow-phid-sparkplug-clean-session-311: every CONNECT asks for a clean session': (
    record,
  ) => {
    for (const at of [0, 1]) expect(packetOf(record.sent, at, 'connect').clean).toBe(true)
  },
  'tck-id-message-flow-hid-sparkplug-state-message-delivered: its own STATE offline is overruled with the same time':
    (record) => {
      const [birth, again] = statesOf(record.sent, 0)
      expect(again).toEqual(birth)
    },
  'tck-id-topics-ncmd-topic, tck-id-topics-ncmd-mqtt, tck-id-topics-ncmd-timestamp, tck-id-payloads-ncmd-timestamp, tck-id-payloads-ncmd-seq, tck-id-payloads-ncmd-qos, tck-id-payloads-ncmd-retain, tck-id-operational-behavior-data-commands-ncmd-verb: an NCMD has its topic, a time, no number, QoS 0, not retained':
    ({ messages, startedAt }) => {
      expect(messages.length).toBeGreaterThanOrEqual(2)
      for (const { topicText, qos, retain, payload } of messages) {
        expect([topicText, qos, retain]).toEqual(['spBv1.0/plant/NCMD/gw1', 0, false])
        expect(payload.at).toBeGreaterThanOrEqual(startedAt)
        expect(payload.seq).toBeUndefined()
      }
    },
  'tck-id-topics-ncmd-payload, tck-id-payloads-name-cmd-requirement, tck-id-operational-behavior-data-commands-ncmd-metric-name, tck-id-operational-behavior-data-commands-ncmd-metric-value: an acknowledgement names the metrics of the birth by alias, with values of their type':
    ({ messages }) =>
      expect(messages[0]!.payload.metrics).toEqual([
        { alias: 1, value: 4n },
        { alias: 3, value: 6n },
      ]),
  'tck-id-operational-behavior-data-commands-ncmd-rebirth-verb, tck-id-operational-behavior-data-commands-ncmd-rebirth-name, tck-id-operational-behavior-data-commands-ncmd-rebirth-value, tck-id-operational-behavior-host-reordering-param, tck-id-operational-behavior-host-reordering-start, tck-id-operational-behavior-host-reordering-rebirth: a lost message is waited for, then a rebirth is asked for':
    ({ messages }) =>
      expect(messages[1]!.payload.metrics).toEqual([{ name: 'Node Control/Rebirth', value: true }]),
  'tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline: a dead device is offline since the time its death tells':
    ({ events }) =>
      expect(events.find(({ kind }) => kind === 'device-offline')).toMatchObject({
        ...{ device: 'plc', at: 1_000 },
      }),
  "tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline, tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-offline: a dead node, and all it has, is offline by the host's own clock":
    ({ events, startedAt, endedAt }) => {
      const { at } = events.find(({ kind }) => kind === 'offline')!
      expect(at).toBeGreaterThanOrEqual(startedAt)
      expect(at).toBeLessThanOrEqual(endedAt)
    },
}

describe.each(brokers)('the host application, recorded over $name', ({ name, missing }) => {
  test.skipIf(missing).each(Object.entries(claims))('%s', (_, check) => {
    check(recordings.get(name)!)
  })
})
