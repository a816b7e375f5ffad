/** Keeps the tags of a subscription monitored: what is absent, or goes, is looked for from time to time. */
import { AttributeIds, type ClientSubscription } from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import type { Tag } from '../../../protocol/model.ts'
import { addTags, LOST_NODE, type Monitor, type MonitorOptions } from './monitored-items.ts'
import { codes } from './node-ids.ts'
import { sendInParts } from './service-limits.ts'
import { badSample } from './values.ts'

/** Some servers put their keep-alive off at each call about a subscription: in between there must be room for one. */
const KEEP_ALIVES_BETWEEN = 2

/** Subscribes all tags; those the server does not know, or no longer, are bad at once and asked for again from time to time. */
export async function monitorTags(
  given: MonitorOptions,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<void> {
  const monitor: Monitor = { ...given, orphans: new Map() }
  const { nodeRetryMs } = monitor.host.options
  const restMs = Math.max(nodeRetryMs, KEEP_ALIVES_BETWEEN * keepAliveMsOf(monitor.subscription))
  const missing = new Set<Tag>()
  /** Tags whose nodes are there and were refused all the same, and when (monotonic). */
  const refusedMs = new Map<Tag, number>()
  const add = async (some: readonly Tag[]) => {
    const absent = await addTags(monitor, some, signal)
    for (const tag of some) missing.delete(tag)
    for (const { tag, status } of absent) {
      missing.add(tag)
      if (!isAbsent(status)) refusedMs.set(tag, performance.now())
    }
    return absent
  }
  for (const { tag, status } of await add(tags)) monitor.push(badSample(tag, Date.now(), status))
  while (await wait(nodeRetryMs, signal)) {
    for (const tag of monitor.orphans.keys()) missing.add(tag)
    const nowMs = performance.now()
    const due = [...missing].filter((tag) => nowMs - (refusedMs.get(tag) ?? -restMs) >= restMs)
    const found = await findNodes(monitor, due, signal)
    if (found.length === 0) continue
    await dropOrphans(monitor, found, signal)
    await add(found)
  }
}

const isAbsent = (status: number) => LOST_NODE.has(status) || status === codes.badNoMatch

function keepAliveMsOf({ publishingInterval, maxKeepAliveCount }: ClientSubscription): number {
  return publishingInterval * maxKeepAliveCount
}

/** Those of the tags whose nodes the server knows now. Asked of the session: the subscription is left alone. */
async function findNodes(
  { host, orphans }: Monitor,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<Tag[]> {
  const { nodes, session, sizes, options, call } = host
  for (const tag of tags) if (orphans.has(tag)) nodes.forget(tag)
  const places = await nodes.resolve(tags, signal)
  const known = tags.flatMap((tag, i) => {
    const place = places[i]
    return place && 'nodeId' in place ? [{ tag, nodeId: place.nodeId }] : []
  })
  const send = (part: readonly { nodeId: string }[]) => {
    const request = part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.NodeClass }))
    return call(session.read(request, 0), signal)
  }
  const answers = await sendInParts(known, { size: sizes.read, endpoint: options.endpoint, send })
  return known.flatMap(({ tag }, i) =>
    LOST_NODE.has(answers[i]?.statusCode.value ?? 0) ? [] : [tag],
  )
}

/** Items whose nodes the server has dropped go, so that new ones can find the nodes again. */
async function dropOrphans(
  { host, messages, orphans }: Monitor,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<void> {
  for (const tag of tags) {
    const item = orphans.get(tag)
    orphans.delete(tag)
    if (!item) continue
    messages.forget(item)
    await host.call(item.terminate(), signal)
  }
}
