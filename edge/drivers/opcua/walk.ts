/** Walks an address space breadth first: bounded in depth and number, every node once, all continuation points. */
import { BrowseDirection, type BrowseResult, type ReferenceDescription } from 'node-opcua-client'
import { formatStep } from './browse-path.ts'
import type { Conversation } from './conversation.ts'
import { sendInParts } from './service-limits.ts'

/** Nodes browsed before the limit of nodes is looked at again. */
const NODES_A_TURN = 100
/** References an answer. */
const MAX_REFERENCES = 1000
/** HierarchicalReferences, and of them the one that leads to properties, not to process values. */
const HIERARCHICAL = 'i=33'
const HAS_PROPERTY = 'ns=0;i=46'
/** The server speaks of itself there: hundreds of counters nobody asked for. */
const SERVER = 'ns=0;i=2253'
/** Object and Variable (Part 4, 7.14). */
const NODE_CLASSES = 1 | 2
const VARIABLE = 2

export interface WalkLimits {
  maxDepth: number
  maxNodes: number
}

export interface WalkedNode {
  nodeId: string
  /** Browse names below the root, without namespaces. */
  names: readonly string[]
  /** The same as a `browsePath` below the root. */
  path: string
  isVariable: boolean
  /** The node of its EngineeringUnits property. */
  unitNodeId?: string
}

export interface Walk {
  nodes: WalkedNode[]
  /** True when a limit ended it before the address space did. */
  isCut: boolean
}

/** Nodes below `root`, which is not among them. */
export async function walk(
  host: Conversation,
  { root, maxDepth, maxNodes }: WalkLimits & { root: string },
  signal: AbortSignal,
): Promise<Walk> {
  const seen = new Set<string>([root, SERVER])
  const nodes: WalkedNode[] = []
  let level: WalkedNode[] = [{ nodeId: root, names: [], path: '', isVariable: false }]
  for (let depth = 0; level.length > 0; depth++) {
    const next: WalkedNode[] = []
    for (let from = 0; from < level.length; from += NODES_A_TURN) {
      const part = level.slice(from, from + NODES_A_TURN)
      const found = await browsePart(host, part, signal)
      for (const [i, parent] of part.entries()) {
        for (const reference of found[i] ?? []) {
          const node = toNode(parent, reference, host.namespaces)
          if (!node || seen.has(node.nodeId)) continue
          if (nodes.length >= maxNodes) return { nodes, isCut: true }
          seen.add(node.nodeId)
          nodes.push(node)
          next.push(node)
        }
      }
    }
    if (depth + 1 >= maxDepth && next.length > 0) return { nodes, isCut: true }
    level = next
  }
  return { nodes, isCut: false }
}

/** Undefined for what lies in another server, and for properties; a unit is noted at its parent. */
function toNode(
  parent: WalkedNode,
  { nodeId, browseName, nodeClass, referenceTypeId }: ReferenceDescription,
  namespaces: readonly string[],
): WalkedNode | undefined {
  if (nodeId.serverIndex || nodeId.namespaceUri) return undefined
  const { name } = browseName
  if (!name) return undefined
  if (referenceTypeId.toString() === HAS_PROPERTY) {
    if (name === 'EngineeringUnits') parent.unitNodeId = nodeId.toString()
    return undefined
  }
  const uri = browseName.namespaceIndex === 0 ? undefined : namespaces[browseName.namespaceIndex]
  return {
    nodeId: nodeId.toString(),
    names: [...parent.names, name],
    path: parent.path + formatStep({ uri, name }),
    isVariable: Number(nodeClass) === VARIABLE,
  }
}

async function browsePart(
  { session, sizes, options: { endpoint }, call }: Conversation,
  part: readonly WalkedNode[],
  signal: AbortSignal,
): Promise<ReferenceDescription[][]> {
  session.requestedMaxReferencesPerNode = MAX_REFERENCES
  const request = part.map(({ nodeId }) => ({
    nodeId,
    referenceTypeId: HIERARCHICAL,
    includeSubtypes: true,
    browseDirection: BrowseDirection.Forward,
    nodeClassMask: NODE_CLASSES,
    resultMask: 63,
  }))
  const send = (asked: readonly (typeof request)[number][]) =>
    call(session.browse([...asked]), signal)
  const results = await sendInParts(request, { size: sizes.browse, endpoint, send })
  const found: ReferenceDescription[][] = part.map((_, i) => [...(results[i]?.references ?? [])])
  let open = results.flatMap((result, index) => toOpen(result, index))
  const next = (points: readonly { point: Buffer }[]) =>
    call(
      session.browseNext(
        points.map(({ point }) => point),
        false,
      ),
      signal,
    )
  // A server that never ends its list ends here all the same.
  for (let turn = 0; open.length > 0 && turn < MAX_REFERENCES; turn++) {
    const more = await sendInParts(open, { size: sizes.browse, endpoint, send: next })
    for (const [i, { index }] of open.entries()) found[index]?.push(...(more[i]?.references ?? []))
    open = open.flatMap(({ index }, i) => {
      const result = more[i]
      return result ? toOpen(result, index) : []
    })
  }
  return found
}

function toOpen({ continuationPoint: point }: BrowseResult, index: number) {
  return point && point.length > 0 ? [{ point, index }] : []
}
