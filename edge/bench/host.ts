/** The other end of the wire: counts what arrives at the broker, and acknowledges as the cloud does. */
import mqtt from 'mqtt'
import { formatState, nodeMetrics, readRange } from '../../protocol/sparkplug/delivery.ts'
import { decodePayload, encodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { formatTopic, parseTopic } from '../../protocol/sparkplug/topic.ts'

export interface Host extends AsyncDisposable {
  /** Values of devices since the start: metrics of DDATA. */
  metrics(): number
  /** Messages on a topic that begins so, for peers without Sparkplug. */
  messages(prefix: string): number
  /** From now on every metric is decoded and handed over with the time of its arrival; undefined: only counted. */
  watch(see: ((metric: Metric, at: number) => void) | undefined): void
}

/** Topics of the peer begin with one of these. */
export const peerTopics = ['tag/', 'block'] as const

/** Subscribes to everything; its own cost is on the bench's process, which nobody measures. */
export async function openHost(url: string): Promise<Host> {
  const client = await mqtt.connectAsync(url)
  const counts = new Map<string, number>()
  const aliases = new Map<string, Map<number, string>>()
  let metrics = 0
  let see: ((metric: Metric, at: number) => void) | undefined
  client.on('message', (text, bytes) => {
    const prefix = peerTopics.find((each) => text.startsWith(each))
    if (prefix) {
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
      return
    }
    const topic = parseTopic(text)
    if (topic?.type === 'DDATA') {
      metrics += countMetrics(bytes)
      if (see) for (const metric of decodePayload(bytes).metrics) see(metric, Date.now())
    } else if (topic?.type === 'NBIRTH') {
      aliases.set(topic.gateway, readAliases(bytes))
    } else if (topic?.type === 'NDATA') {
      const names = aliases.get(topic.gateway)
      const answer = acknowledge(bytes, names)
      const { site, gateway } = topic
      if (answer) client.publish(formatTopic({ type: 'NCMD', site, gateway }), answer)
    }
  })
  await client.subscribeAsync([
    'spBv1.0/#',
    ...peerTopics.map((each) => `${each.replace('/', '')}/#`),
  ])
  const state = formatState({ online: true, timestamp: Date.now() })
  const options = { retain: true, qos: 1 } as const
  await client.publishAsync(formatTopic({ type: 'STATE', host: 'mimamori' }), state, options)
  return {
    metrics: () => metrics,
    messages: (prefix) => counts.get(prefix) ?? 0,
    watch(callback) {
      see = callback
    },
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}

function readAliases(bytes: Uint8Array): Map<number, string> {
  const named = decodePayload(bytes).metrics.flatMap(({ name, alias }) =>
    name === undefined || alias === undefined ? [] : [[alias, name] as const],
  )
  return new Map(named)
}

/** The NCMD for an announced range; undefined when this NDATA announces none. */
function acknowledge(
  bytes: Uint8Array,
  names: Map<number, string> | undefined,
): Buffer | undefined {
  const metrics = decodePayload(bytes).metrics.map((metric) => ({
    ...metric,
    name: metric.name ?? names?.get(metric.alias ?? -1),
  }))
  const range = readRange(metrics, 'watermark')
  if (!range) return undefined
  const whole = (name: string, value: number): Metric => ({
    name,
    type: 'Int64',
    value: BigInt(value),
  })
  const answer: Metric[] = [
    whole(nodeMetrics.from, range.from),
    whole(nodeMetrics.acknowledged, range.to),
    { name: nodeMetrics.store, type: 'String', value: range.store ?? '' },
  ]
  return Buffer.from(encodePayload({ at: Date.now(), metrics: answer }))
}

/** Field 2 of the payload, length-delimited, occurs once a metric; nothing else is looked at. */
function countMetrics(bytes: Uint8Array): number {
  let at = 0
  let found = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const size = varint()
    if ((key & 7) !== 2) continue
    if (key >> 3 === 2) found += 1
    at += size
  }
  return found
}
