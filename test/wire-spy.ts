/** Listens to everything on the broker and on the console's event stream, and keeps it: for tests that ask what was really said. */
import type { MqttClient } from 'mqtt'
import type { Cloud } from '../cloud/main.ts'
import type { LiveEvent } from '../protocol/api.ts'
import { decodePayload, type Metric, type Payload } from '../protocol/sparkplug/payload.ts'
import { parseTopic } from '../protocol/sparkplug/topic.ts'

export interface Overheard {
  topic: string
  payload: Payload
}

export interface WireSpy extends AsyncDisposable {
  messages: Overheard[]
  /** Metrics of this topic in order, their aliases turned into the names their births gave. */
  metrics(topic: string): Metric[]
}

/** One more client of the broker, inside its walls. */
export async function openWireSpy(cloud: Cloud): Promise<WireSpy> {
  const messages: Overheard[] = []
  const names = new Map<string, string>()
  const client: MqttClient = cloud.parts.broker.connect({ clientId: 'spy', clean: true })
  client.on('message', (topic, bytes) => {
    const parsed = parseTopic(topic)
    if (!parsed || parsed.type === 'STATE') return
    const payload = decodePayload(bytes)
    const node = `${parsed.site}/${parsed.gateway}`
    for (const metric of payload.metrics) {
      if (metric.alias === undefined) continue
      const key = `${node} ${metric.alias}`
      if (parsed.type.endsWith('BIRTH') && metric.name) names.set(key, metric.name)
      metric.name ??= names.get(key)
    }
    messages.push({ topic, payload })
  })
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
  })
  await client.subscribeAsync('spBv1.0/#')
  return {
    messages,
    metrics: (topic) =>
      messages.filter((one) => one.topic === topic).flatMap(({ payload }) => payload.metrics),
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}

export interface EventSpy extends AsyncDisposable {
  events: LiveEvent[]
}

/** A browser's EventSource on GET /api/events, for one asset. */
export async function openEventSpy(
  url: string,
  { cookie, asset }: { cookie: string; asset: string },
): Promise<EventSpy> {
  const stop = new AbortController()
  const events: LiveEvent[] = []
  const answer = await fetch(new URL(`/api/events?asset=${asset}`, url), {
    headers: { cookie },
    signal: stop.signal,
  })
  if (answer.status !== 200 || !answer.body) throw new Error(`events: status ${answer.status}`)
  const reading = (async () => {
    let text = ''
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        if (part.startsWith('data: ')) events.push(JSON.parse(part.slice(6)) as LiveEvent)
      }
    }
  })().catch(() => undefined)
  return {
    events,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reading
    },
  }
}
