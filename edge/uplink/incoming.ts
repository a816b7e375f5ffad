/** What the host side says to us: its STATE, commands to the node and its devices, acknowledgements. */
import type { DataType, Value } from '../../protocol/model.ts'
import {
  type NamedRange,
  nodeMetrics,
  parseState,
  readRange,
} from '../../protocol/sparkplug/delivery.ts'
import { decodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { parseTopic } from '../../protocol/sparkplug/topic.ts'
import { encodeValue, typeValue } from '../../protocol/sparkplug/values.ts'
import { nodeMetricName } from './catalogue.ts'
import type { Session } from './context.ts'

/** Never throws: a message of a stranger must not end the session. */
export function receive(
  session: Session,
  topicText: string,
  { bytes, retain }: { bytes: Uint8Array; retain: boolean },
): void {
  const topic = parseTopic(topicText)
  const { counters, log } = session.context
  if (topic?.type === 'STATE') {
    hearState(session, topic.host, bytes)
    return
  }
  // tck-id-payloads-ncmd-retain, -dcmd-retain: one that the broker kept would be carried out anew with every connection.
  if (retain) {
    counters.refusedMessages += 1
    log.warn({ topic: topicText }, 'a command that was retained: ignored; clear it at the broker')
    return
  }
  try {
    const { at, metrics } = decodePayload(bytes)
    if (topic?.type === 'NCMD' && at !== undefined) session.context.options.onHostTime?.(at)
    if (topic?.type === 'NCMD') for (const metric of metrics) nodeCommand(session, metric)
    if (topic?.type === 'DCMD')
      for (const metric of metrics) deviceCommand(session, topic.device, metric)
    const range = topic?.type === 'NCMD' ? readRange(metrics.map(named), 'acknowledged') : undefined
    if (range) acknowledge(session, range)
  } catch (error) {
    counters.refusedMessages += 1
    log.debug({ topic: topicText, error: String(error) }, 'message refused')
  }
}

function hearState(session: Session, host: string, bytes: Uint8Array): void {
  const { context, bell } = session
  const { counters, log } = context
  const state = parseState(Buffer.from(bytes).toString('utf8'))
  if (!state) {
    counters.refusedMessages += 1
    return
  }
  const heard = context.host.hear(host, state)
  if (heard === 'stale') {
    counters.staleStates += 1
    // A host whose clock once ran ahead waits here for ever, and only its operator can tell why.
    if (state.online) log.warn({ host, ...state }, 'STATE is older than the last one: ignored')
  }
  // tck-id-message-flow-edge-node-birth-publish-phid-offline: with its births out, the session ends at once. A stand-in that
  // has never said a word hears nothing either.
  if (context.status.born() && context.host.verdict() !== 'online') session.leave()
  bell.ring()
}

function named(metric: Metric): Metric {
  return { ...metric, name: nodeMetricName(metric) }
}

/** The words of an acknowledgement. */
const answers = new Set<string>([nodeMetrics.from, nodeMetrics.acknowledged, nodeMetrics.store])

function nodeCommand(session: Session, metric: Metric): void {
  const name = nodeMetricName(metric)
  if (name === nodeMetrics.rebirth && metric.value === true) {
    session.rebirthWanted = true
    session.context.counters.rebirthRequests += 1
    session.bell.ring()
    return
  }
  if (name === undefined || answers.has(name)) return
  session.context.options.onCommand?.({ metric: name, value: metric.value })
}

function deviceCommand(session: Session, device: string, metric: Metric): void {
  const found = session.context.catalogue.find(device, metric)
  const value = found && readOrder(metric, found.declared.type)
  if (!found || value === undefined) {
    session.context.counters.refusedMessages += 1
    return
  }
  session.context.options.onCommand?.({ device, metric: found.declared.name, tag: found.id, value })
}

/** What says its own type is that number and no other: only without one are its bits read as those of the tag's. */
function readOrder({ type, value }: Metric, declared: DataType): Value | undefined {
  if (value === null) return undefined
  const isWhole = declared.startsWith('Int') || declared.startsWith('UInt')
  if (type !== undefined && isWhole && !encodeValue(value, declared)) return undefined
  return typeValue(value, declared)
}

/** Only what was said to this very store: another one of our name has batches of the same numbers. */
function acknowledge({ context, bell }: Session, { store, ...range }: NamedRange): void {
  if (store !== context.store) {
    context.counters.foreignAnswers += 1
    return
  }
  if (!context.queue.acknowledged(range)) return
  context.options.outbox.acknowledge(range.from, range.to)
  context.counters.acknowledgedBatches += range.to - range.from + 1
  bell.ring()
}
