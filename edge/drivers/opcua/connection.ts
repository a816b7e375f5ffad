/** Reads, writes and subscribes in one OPC UA session. */
import { AttributeIds } from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Sample, Tag } from '../../../protocol/model.ts'
import type { Connection } from '../driver.ts'
import { addressOf } from './address.ts'
import type { Conversation, SessionRequest } from './conversation.ts'
import { withDeadline } from './deadline.ts'
import { callMethod } from './method-call.ts'
import { codes } from './node-ids.ts'
import { tellOnce } from './notice.ts'
import { type OpenSession, openSession, SERVER_STATE, SESSION_TIMEOUT_MS } from './open-session.ts'
import { createResolver } from './resolver.ts'
import { createPartSizes, sendInParts, toCallFault } from './service-limits.ts'
import { runSubscription } from './subscription.ts'
import { badSample, toIndexRange, toSample } from './values.ts'
import { writeTag } from './write.ts'

/** Twice within the life of an idle session one may be late. */
const KEEP_ALIVE_MS = SESSION_TIMEOUT_MS / 3
const VALUE = AttributeIds.Value
/** An event has no value that could be asked for. */
const NOT_READ = codes.badNotReadable

/** Opens a session; what is read, subscribed or written in it ends with it. */
export async function openConnection(
  request: SessionRequest,
  signal: AbortSignal,
): Promise<Connection> {
  await using stack = new AsyncDisposableStack()
  const { conversation, owned, counters } = await openConversation(request, signal)
  stack.use(owned)
  const kept = stack.move()
  return {
    read: (tags, abort) => readTags(conversation, tags, abort),
    subscribe: (tags, emit, abort) => runSubscription(conversation, { tags, emit }, abort),
    write: (tag, value, abort) => writeTag(conversation, { tag, value }, abort),
    call: (order, abort) => callMethod(conversation, order, abort),
    counters: () => ({ ...counters(), holes: conversation.missing.size }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Opens a session and reads its namespaces; disposing `owned` settles all calls and closes it. */
export async function openConversation(
  request: SessionRequest,
  signal: AbortSignal,
): Promise<{ conversation: Conversation; owned: AsyncDisposable } & Pick<OpenSession, 'counters'>> {
  await using stack = new AsyncDisposableStack()
  const opened = stack.use(await openSession(request, signal))
  const { session, answeredAt } = opened
  const { endpoint, timeoutMs, nodeRetryMs } = request.options
  const closing = Promise.withResolvers<never>()
  const closed = new AbortController()
  stack.defer(() => {
    closed.abort()
    closing.reject(new Fault('driver.disconnected', { endpoint }))
  })
  const lost = Promise.race([opened.lost, closing.promise])
  lost.catch(() => {})
  const call = async <T>(promise: Promise<T>, abort: AbortSignal): Promise<T> => {
    const deadline = { endpoint, timeoutMs, signal: abort }
    try {
      return await withDeadline(Promise.race([promise, lost]), deadline)
    } catch (error) {
      if (error instanceof Fault || abort.aborted) throw error
      throw toCallFault(error, endpoint)
    }
  }
  const ping = () => call(session.read({ nodeId: SERVER_STATE, attributeId: VALUE }), closed.signal)
  keepAlive(ping, closed.signal).catch(closing.reject)
  const sizes = createPartSizes()
  const uris = await call(session.readNamespaceArray(), signal)
  const namespaces = { uris, prefixes: request.options.namespaces }
  const tell = (say: string) => tellOnce(request, say)
  const asked = { session, endpoint, sizes, tell, call }
  const nodes = createResolver({ ...asked, namespaces, retryMs: nodeRetryMs })
  const missing = new Set<string>()
  const conversation = {
    ...request,
    session,
    namespaces: uris,
    nodes,
    sizes,
    missing,
    lost,
    answeredAt,
    call,
  }
  return { conversation, owned: stack.move(), counters: opened.counters }
}

/** A session whose groups are slow must not end of old age, and its broken line must not wait for the next read. */
async function keepAlive(ping: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (await wait(KEEP_ALIVE_MS, signal)) await ping()
}

async function readTags(
  conversation: Conversation,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<Sample[]> {
  const { session, options, nodes, missing, sizes, call } = conversation
  signal.throwIfAborted()
  const places = await nodes.resolve(tags, signal)
  for (const [i, { id }] of tags.entries()) {
    const place = places[i]
    if (place && 'status' in place) missing.add(id)
    else missing.delete(id)
  }
  const samples = tags.map((tag, i) => {
    const place = places[i]
    return badSample(tag, Date.now(), place && 'status' in place ? place.status : NOT_READ)
  })
  const known = tags.flatMap((tag, index) => {
    const { event, indexRange } = addressOf(tag)
    const place = places[index]
    if (event !== undefined || !place || 'status' in place) return []
    const { nodeId } = place
    return [{ index, tag, request: { nodeId, attributeId: VALUE, ...toIndexRange(indexRange) } }]
  })
  let arrivedAt = Date.now()
  const answers = await sendInParts(known, {
    ...{ size: sizes.read, endpoint: options.endpoint },
    async send(part) {
      const requests = part.map(({ request }) => request)
      const values = await call(session.read(requests, 0), signal)
      arrivedAt = Date.now()
      return values
    },
  })
  for (const [i, { index, tag }] of known.entries()) {
    const data = answers[i]
    if (!data) continue
    if (data.statusCode.value === codes.badNodeIdUnknown) {
      nodes.forget(tag)
      missing.add(tag.id)
    }
    samples[index] = toSample(tag, data, { timestamp: options.timestamp, arrivedAt })
  }
  return samples
}
