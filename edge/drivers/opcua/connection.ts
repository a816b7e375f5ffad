/** Reads, writes and subscribes in one OPC UA session. */
import { AttributeIds, coerceNodeId, DataValue } from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Sample, Tag, Value } from '../../../protocol/model.ts'
import type { Connection, DriverContext } from '../driver.ts'
import { withDeadline } from './deadline.ts'
import { BAD_NODE_ID_UNKNOWN, resolveNodeId } from './node-ids.ts'
import { openSession } from './open-session.ts'
import type { OpcuaOptions } from './options.ts'
import { type Conversation, runSubscription } from './subscription.ts'
import { badSample, toSample, toVariant } from './values.ts'

/** Nodes a Read request: below the operation limit of small servers. */
const MAX_NODES_PER_READ = 500

/** Opens a session and resolves its namespaces. */
export async function openConnection(
  options: OpcuaOptions,
  context: DriverContext,
  signal: AbortSignal,
): Promise<Connection> {
  await using stack = new AsyncDisposableStack()
  const opened = stack.use(await openSession({ options, context }, signal))
  const { session } = opened
  const { endpoint, timeoutMs } = options
  const closing = Promise.withResolvers<never>()
  stack.defer(() => closing.reject(new Fault('driver.disconnected', { endpoint })))
  const lost = Promise.race([opened.lost, closing.promise])
  lost.catch(() => {})
  const call = async <T>(promise: Promise<T>, abort: AbortSignal): Promise<T> => {
    const deadline = { endpoint, timeoutMs, signal: abort }
    try {
      return await withDeadline(Promise.race([promise, lost]), deadline)
    } catch (error) {
      if (error instanceof Fault || abort.aborted) throw error
      throw new Fault('driver.disconnected', { endpoint }, { cause: error })
    }
  }
  const namespaces = await call(session.readNamespaceArray(), signal)
  const conversation: Conversation = { session, options, namespaces, lost, call }
  const owned = stack.move()
  return {
    read: (tags, abort) => readTags(conversation, tags, abort),
    subscribe: (tags, emit, abort) => runSubscription(conversation, { tags, emit }, abort),
    write: (tag, value, abort) => writeTag(conversation, { tag, value }, abort),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The node of a tag in this session; undefined when its namespace is unknown. */
function nodeOf(tag: Tag, namespaces: readonly string[]): string | undefined {
  return resolveNodeId(String(tag.address.nodeId), namespaces)
}

async function readTags(
  conversation: Conversation,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<Sample[]> {
  const { session, options, namespaces, call } = conversation
  signal.throwIfAborted()
  const nodes = tags.map((tag) => nodeOf(tag, namespaces))
  const known = nodes.flatMap((nodeId, index) => (nodeId === undefined ? [] : [{ nodeId, index }]))
  const samples = tags.map((tag) => badSample(tag, Date.now(), BAD_NODE_ID_UNKNOWN))
  for (let from = 0; from < known.length; from += MAX_NODES_PER_READ) {
    const part = known.slice(from, from + MAX_NODES_PER_READ)
    const request = part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }))
    const answers = await call(session.read(request, 0), signal)
    if (answers.length !== part.length) {
      const problem = `${answers.length} values instead of ${part.length}`
      throw new Fault('driver.foreign-reply', { endpoint: options.endpoint, problem })
    }
    const arrivedAt = Date.now()
    for (const [i, { index }] of part.entries()) {
      const [tag, data] = [tags[index], answers[i]]
      if (!tag || !data) continue
      samples[index] = toSample(tag, data, { timestamp: options.timestamp, arrivedAt })
    }
  }
  return samples
}

/** Throws Fault 'driver.not-writable', 'driver.bad-value', 'driver.refused', or as `read` does. */
async function writeTag(
  { session, options, namespaces, call }: Conversation,
  { tag, value }: { tag: Tag; value: Value },
  signal: AbortSignal,
): Promise<void> {
  const node = nodeOf(tag, namespaces)
  if (node === undefined) {
    throw new Fault('driver.not-writable', {
      tag: tag.name,
      reason: 'the server has no such namespace',
    })
  }
  const nodeId = coerceNodeId(node)
  const probe = await call(session.read({ nodeId, attributeId: AttributeIds.Value }, 0), signal)
  if (probe.statusCode.value === BAD_NODE_ID_UNKNOWN) {
    throw new Fault('driver.not-writable', { tag: tag.name, reason: 'the server has no such node' })
  }
  const dataType = await call(session.getBuiltInDataType(nodeId), signal)
  const data = new DataValue({ value: encode(tag, value, dataType) })
  const request = { nodeId, attributeId: AttributeIds.Value, value: data }
  const status = await call(session.write(request), signal)
  if (status.value !== 0) {
    throw new Fault('driver.refused', { endpoint: options.endpoint, reason: status.name })
  }
}

function encode(tag: Tag, value: Value, dataType: Parameters<typeof toVariant>[1]) {
  try {
    return toVariant(value, dataType)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be encoded'
    throw new Fault('driver.bad-value', { tag: tag.name, value: String(value), reason }, { cause })
  }
}
