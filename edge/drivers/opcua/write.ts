/** Writes one value in the type the node itself has. */
import { AttributeIds, coerceNodeId, DataValue, Variant, VariantArrayType } from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Tag, Value } from '../../../protocol/model.ts'
import { addressOf } from './address.ts'
import type { Conversation } from './conversation.ts'
import { codes } from './node-ids.ts'
import { toIndexRange, toVariant } from './values.ts'

/** Throws Fault 'driver.not-writable', 'driver.bad-value', 'driver.refused', or as `read` does. */
export async function writeTag(
  { session, options, nodes, call }: Conversation,
  { tag, value }: { tag: Tag; value: Value },
  signal: AbortSignal,
): Promise<void> {
  const { event, indexRange } = addressOf(tag)
  const refuse = (reason: string) => new Fault('driver.not-writable', { tag: tag.name, reason })
  if (event !== undefined) throw refuse('it is an event')
  if (indexRange?.includes(':')) throw refuse('it is several elements of an array')
  const [place] = await nodes.resolve([tag], signal)
  if (!place || 'status' in place) throw refuse('the server has no such namespace or path')
  const nodeId = coerceNodeId(place.nodeId)
  const node = { nodeId, attributeId: AttributeIds.Value, ...toIndexRange(indexRange) }
  const probe = await call(session.read(node, 0), signal)
  if (probe.statusCode.value === codes.badNodeIdUnknown) {
    nodes.forget(tag)
    throw refuse('the server has no such node')
  }
  const dataType = await call(session.getBuiltInDataType(nodeId), signal)
  const scalar = encode(tag, value, dataType)
  const written = indexRange === undefined ? scalar : toArrayOfOne(scalar)
  const request = { ...node, value: new DataValue({ value: written }) }
  const result = await call(session.write(request), signal)
  if (result.value !== 0) {
    throw new Fault('driver.refused', { endpoint: options.endpoint, reason: result.name })
  }
}

function toArrayOfOne({ dataType, value }: Variant): Variant {
  return new Variant({ dataType, arrayType: VariantArrayType.Array, value: [value] })
}

function encode(tag: Tag, value: Value, dataType: Parameters<typeof toVariant>[1]) {
  try {
    return toVariant(value, dataType)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be encoded'
    throw new Fault('driver.bad-value', { tag: tag.name, value: String(value), reason }, { cause })
  }
}
