/** From the data type a node names, which may be the server's own, to a built-in type and to ours. */
import {
  BrowseDirection,
  type ClientSession,
  type NodeId,
  DataType as UaType,
} from 'node-opcua-client'
import type { DataType } from '../../../protocol/model.ts'

/** Deeper than any sound type tree; a server with a cycle in its own must not hold us. */
const MAX_SUPERTYPES = 12
const HAS_SUBTYPE = 'i=45'
/** Abstract types of Part 3 that a value can have only by a subtype: the widest one stands for them. */
const abstractTypes: Readonly<Record<number, UaType>> = {
  26: UaType.Double,
  27: UaType.Int64,
  28: UaType.UInt64,
  29: UaType.Int32,
}

/** What a reading of a built-in type is to us; what is missing here is no process value. */
export const ourTypes: Partial<Record<UaType, DataType>> = {
  [UaType.Boolean]: 'Boolean',
  [UaType.SByte]: 'Int8',
  [UaType.Byte]: 'UInt8',
  [UaType.Int16]: 'Int16',
  [UaType.UInt16]: 'UInt16',
  [UaType.Int32]: 'Int32',
  [UaType.UInt32]: 'UInt32',
  [UaType.Int64]: 'Int64',
  [UaType.UInt64]: 'UInt64',
  [UaType.Float]: 'Float',
  [UaType.Double]: 'Double',
  [UaType.String]: 'String',
  [UaType.LocalizedText]: 'String',
  [UaType.QualifiedName]: 'String',
  [UaType.NodeId]: 'String',
  [UaType.StatusCode]: 'String',
  // Milliseconds since 1970.
  [UaType.DateTime]: 'Int64',
}

export interface TypeFinder {
  /** Undefined for structures, and for types that lead nowhere. */
  find(dataType: NodeId, signal: AbortSignal): Promise<UaType | undefined>
}

export interface TypeFinderOptions {
  session: ClientSession
  call<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>
}

/** Remembers what it found for the life of the session. */
export function createTypeFinder({ session, call }: TypeFinderOptions): TypeFinder {
  const known = new Map<string, UaType | undefined>()
  const climb = async (dataType: NodeId, signal: AbortSignal): Promise<UaType | undefined> => {
    let node = dataType
    for (let level = 0; level < MAX_SUPERTYPES; level++) {
      const builtIn = readBuiltIn(node)
      if (builtIn !== undefined) return builtIn
      const up = {
        nodeId: node,
        referenceTypeId: HAS_SUBTYPE,
        browseDirection: BrowseDirection.Inverse,
      }
      const { references } = await call(session.browse({ ...up, resultMask: 1 }), signal)
      const parent = references?.[0]?.nodeId
      if (!parent) return undefined
      node = parent
    }
    return undefined
  }
  return {
    async find(dataType, signal) {
      const key = dataType.toString()
      if (!known.has(key)) known.set(key, await climb(dataType, signal))
      return known.get(key)
    },
  }
}

function readBuiltIn({ namespace, value }: NodeId): UaType | undefined {
  if (namespace !== 0 || typeof value !== 'number') return undefined
  if (value in abstractTypes) return abstractTypes[value]
  return value > 0 && value <= UaType.DiagnosticInfo ? (value as UaType) : undefined
}
