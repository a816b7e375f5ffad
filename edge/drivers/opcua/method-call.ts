/** Calls a method of an object, its arguments in the types the method declares. */
import { coerceNodeId, type Variant } from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Value } from '../../../protocol/model.ts'
import type { MethodCall } from '../driver.ts'
import type { Conversation } from './conversation.ts'
import { createTypeFinder } from './data-types.ts'
import { resolveNodeId } from './node-ids.ts'
import { fromVariant, toVariant } from './values.ts'

/** Throws Fault 'driver.refused' with the server's reason, 'driver.bad-value', or as `read` does. */
export async function callMethod(
  { session, options, namespaces, call }: Conversation,
  { object, method, args }: MethodCall,
  signal: AbortSignal,
): Promise<(Value | null)[]> {
  const refuse = (reason: string, cause?: unknown) =>
    new Fault('driver.refused', { endpoint: options.endpoint, reason }, { cause })
  const [objectId, methodId] = [object, method].map((it) => resolveNodeId(it, namespaces))
  if (objectId === undefined || methodId === undefined) {
    throw refuse('it has no namespace of this name')
  }
  const definition = await call(
    session.getArgumentDefinition(coerceNodeId(methodId)).catch((error: unknown) => {
      throw refuse(`the arguments of ${method} cannot be read`, error)
    }),
    signal,
  )
  const declared = definition.inputArguments
  if (declared.length !== args.length) {
    throw refuse(`${method} takes ${declared.length} argument(s), not ${args.length}`)
  }
  const types = createTypeFinder({ session, call })
  const inputArguments: Variant[] = []
  for (const [i, argument] of declared.entries()) {
    const value = args[i] ?? ''
    const dataType = await types.find(argument.dataType, signal)
    if (dataType === undefined) throw refuse(`${argument.name} is of a type that is not sent`)
    inputArguments.push(encode(argument.name ?? method, value, dataType))
  }
  const result = await call(session.call({ objectId, methodId, inputArguments }), signal)
  if (result.statusCode.isNotGood()) throw refuse(result.statusCode.name)
  return (result.outputArguments ?? []).map((variant) => fromVariant(variant) ?? null)
}

function encode(name: string, value: Value, dataType: Parameters<typeof toVariant>[1]): Variant {
  try {
    return toVariant(value, dataType)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be encoded'
    throw new Fault('driver.bad-value', { tag: name, value: String(value), reason }, { cause })
  }
}
