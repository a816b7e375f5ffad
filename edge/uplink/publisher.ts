/** Sends this node's Sparkplug messages: numbers each one, QoS 0, never retained, and tells when the socket has taken it. */
import type { MqttClient } from 'mqtt'
import { Fault } from '../../protocol/kit/fault.ts'
import { encodePayload } from '../../protocol/sparkplug/payload.ts'
import { writeData } from '../../protocol/sparkplug/payload-writer.ts'
import { createSequence } from '../../protocol/sparkplug/sequence.ts'
import { formatTopic } from '../../protocol/sparkplug/topic.ts'
import type { Publisher, SessionContext } from './context.ts'

/** Each call resolves when the bytes are with the socket (back-pressure), and rejects when the link is gone. */
export function createPublisher(
  context: SessionContext,
  client: MqttClient,
  signal: AbortSignal,
): Publisher {
  const { site, gateway } = context.options
  const sequence = createSequence()
  const send = async (topic: string, encoded: Uint8Array): Promise<void> => {
    context.counters.messages += 1
    // tck-id-payloads-nbirth-qos, -retain and the same for DBIRTH, NDATA, DDATA, DDEATH.
    const options = { qos: 0, retain: false } as const
    const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
    await untilAborted((done) => client.publish(topic, bytes, options, done), signal)
  }
  const next = () => ({ at: context.now(), seq: sequence.next() })
  return {
    nodeBirth: (metrics) =>
      send(
        formatTopic({ type: 'NBIRTH', site, gateway }),
        encodePayload({ at: context.now(), seq: sequence.restart(), metrics }),
      ),
    nodeData: (metrics) =>
      send(
        formatTopic({ type: 'NDATA', site, gateway }),
        encodePayload({ ...next(), metrics }, { omitTypes: true }),
      ),
    device: (type, device, metrics) =>
      send(
        formatTopic({ type, site, gateway, device }),
        encodePayload({ ...next(), metrics }, { omitTypes: type !== 'DBIRTH' }),
      ),
    data: (device, message) =>
      send(formatTopic({ type: 'DDATA', site, gateway, device }), writeData(next(), message)),
  }
}

/** The library waits for a `drain` that a destroyed socket never gives: the session's end settles it instead. */
function untilAborted(
  start: (done: (error?: Error) => void) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Fault('uplink.lost', {}))
    if (signal.aborted) return lost()
    signal.addEventListener('abort', lost, { once: true })
    start((error) => {
      signal.removeEventListener('abort', lost)
      if (error) reject(new Fault('uplink.lost', {}, { cause: error }))
      else resolve()
    })
  })
}
