/** Looks through a server and returns its variables as rows ready to become tags of a configuration. */
import { AttributeIds, type DataValue, type NodeId, VariantArrayType } from 'node-opcua-client'
import { Default, Parse } from 'typebox/value'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { DataType } from '../../../protocol/model.ts'
import { openConversation } from './connection.ts'
import type { Conversation } from './conversation.ts'
import { createTypeFinder, ourTypes } from './data-types.ts'
import { formatNodeId, resolveNodeId } from './node-ids.ts'
import { type OpcuaOptions, optionsSchema } from './options.ts'
import { sendInParts } from './service-limits.ts'
import { type Walk, type WalkedNode, walk } from './walk.ts'

/** Where the process is (Part 5, 8.2.4). */
const OBJECTS = 'i=85'
const OBJECTS_PATH = '/Objects'
const DEFAULT_MAX_DEPTH = 12
const DEFAULT_MAX_NODES = 20_000
/** Nodes of which four attributes each are read at a time. */
const NODES_PER_READ = 100
/** CurrentWrite (Part 3, 8.57). */
const CAN_WRITE = 2
/** ValueRank of arrays, of one dimension or more from here on (Part 3, 5.6.2). */
const ONE_OR_MORE = 0

export interface BrowseOptions {
  /** Where keys and rejected certificates go. */
  stateDir: string
  /** As in a device's configuration: security, trust, user, timeoutMs. */
  connection?: Omit<Partial<OpcuaOptions>, 'endpoint'>
  /** Relative paths of the connection's files start here. */
  baseDir?: string
  /** Node to begin at, default the Objects folder. */
  root?: string
  maxDepth?: number
  /** Nodes of any kind looked at. */
  maxNodes?: number
}

/** One variable; `nodeId`, `name`, `type` and `unit` are members of a tag in the configuration. */
export interface BrowsedTag {
  name: string
  type: DataType
  unit?: string
  nodeId: string
  /** Only below the Objects folder. */
  browsePath?: string
  access: 'read' | 'write'
  /** Its whole value is JSON text; `indexRange` picks one element. */
  isArray: boolean
}

export interface BrowsedServer {
  tags: BrowsedTag[]
  /** Nodes looked at. */
  visited: number
  /** Variables of types that are no process value, and those that cannot be read. */
  left: number
  /** True when a limit ended the walk. */
  isCut: boolean
}

/** Throws what `connect` of a driver throws. */
export async function browseServer(
  endpoint: string,
  options: BrowseOptions,
  signal: AbortSignal,
): Promise<BrowsedServer> {
  const { stateDir, baseDir, root = OBJECTS } = options
  const { maxDepth = DEFAULT_MAX_DEPTH, maxNodes = DEFAULT_MAX_NODES } = options
  const filled = Parse(optionsSchema, Default(optionsSchema, { ...options.connection, endpoint }))
  const context = { device: 'browse', stateDir, baseDir }
  const request = { options: filled, context, memory: { told: new Set<string>() } }
  const { conversation, owned } = await openConversation(request, signal)
  await using _ = owned
  const nodeId = resolveNodeId(root, conversation.namespaces)
  if (nodeId === undefined) {
    const reason = `it has no namespace for "${root}"; its namespaces are ${conversation.namespaces.join(', ')}`
    throw new Fault('driver.refused', { endpoint, reason })
  }
  const walked = await walk(conversation, { root: nodeId, maxDepth, maxNodes }, signal)
  return await describe(conversation, { walked, isBelowObjects: root === OBJECTS }, signal)
}

async function describe(
  host: Conversation,
  { walked, isBelowObjects }: { walked: Walk; isBelowObjects: boolean },
  signal: AbortSignal,
): Promise<BrowsedServer> {
  const variables = walked.nodes.filter((node) => node.isVariable)
  const types = createTypeFinder(host)
  const taken = new Set<string>()
  const tags: BrowsedTag[] = []
  for (let from = 0; from < variables.length; from += NODES_PER_READ) {
    const part = variables.slice(from, from + NODES_PER_READ)
    const facts = await readFacts(host, part, signal)
    for (const [i, node] of part.entries()) {
      const { dataType, rank, access, unit } = facts[i] ?? {}
      const builtIn = dataType && (await types.find(dataType, signal))
      const type = builtIn === undefined ? undefined : ourTypes[builtIn]
      const nodeId = formatNodeId(node.nodeId, host.namespaces)
      if (type === undefined || nodeId === undefined || access === undefined) continue
      // Any rank, or a scalar as well: nearly always a scalar, and where it is none the tag is bad and says so.
      const isArray = rank !== undefined && rank >= ONE_OR_MORE
      tags.push({
        name: nameOf(node, taken),
        type: isArray ? 'String' : type,
        ...(unit ? { unit } : {}),
        nodeId,
        ...(isBelowObjects ? { browsePath: OBJECTS_PATH + node.path } : {}),
        access,
        isArray,
      })
    }
  }
  const left = variables.length - tags.length
  return { tags, visited: walked.nodes.length, left, isCut: walked.isCut }
}

/** Names differ by more than case (tck-id-case-sensitivity-metric-names). */
function nameOf({ names }: WalkedNode, taken: Set<string>): string {
  const wanted = names.join('/').slice(-190)
  for (let turn = 1; ; turn++) {
    const name = turn === 1 ? wanted : `${wanted} (${turn})`
    if (taken.has(name.toLowerCase())) continue
    taken.add(name.toLowerCase())
    return name
  }
}

interface Facts {
  dataType?: NodeId
  rank?: number
  access?: 'read' | 'write'
  unit?: string
}

/** What a row needs to know of each variable; a fact that cannot be read is left out. */
async function readFacts(
  { session, sizes, options, call }: Conversation,
  part: readonly WalkedNode[],
  signal: AbortSignal,
): Promise<Facts[]> {
  const { DataType: TYPE, ValueRank, UserAccessLevel, Value } = AttributeIds
  const request = part.flatMap(({ nodeId, unitNodeId }) => [
    ...[TYPE, ValueRank, UserAccessLevel].map((attributeId) => ({ nodeId, attributeId })),
    { nodeId: unitNodeId ?? nodeId, attributeId: unitNodeId ? Value : AttributeIds.NodeClass },
  ])
  const send = (asked: readonly (typeof request)[number][]) =>
    call(session.read([...asked], 0), signal)
  const { endpoint } = options
  const answers = await sendInParts(request, { size: sizes.read, endpoint, send })
  return part.map(({ unitNodeId }, i) => {
    const [dataType, rank, level, unit] = answers.slice(i * 4, i * 4 + 4).map(pickScalar)
    const canRead = typeof level === 'number' && (level & 1) === 1
    const access = canRead ? ((level & CAN_WRITE) === 0 ? 'read' : 'write') : undefined
    return {
      dataType: dataType as NodeId | undefined,
      rank: typeof rank === 'number' ? rank : undefined,
      access,
      unit: unitNodeId ? readUnit(unit) : undefined,
    }
  })
}

function pickScalar({ statusCode, value }: DataValue): unknown {
  if (statusCode.isNotGood() || value?.arrayType !== VariantArrayType.Scalar) return undefined
  return value.value ?? undefined
}

/** The display name of an EUInformation, as long as a tag's unit may be. */
function readUnit(unit: unknown): string | undefined {
  const text = (unit as { displayName?: { text?: unknown } } | undefined)?.displayName?.text
  return typeof text === 'string' && text !== '' ? text.slice(0, 20) : undefined
}
