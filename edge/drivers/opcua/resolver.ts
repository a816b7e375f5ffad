/** From the addresses of tags to the nodes of one session, asked for once and remembered. */
import {
  AttributeIds,
  BrowsePath,
  type BrowsePathResult,
  type ClientSession,
} from 'node-opcua-client'
import type { Tag } from '../../../protocol/model.ts'
import { addressOf } from './address.ts'
import { type BoundStep, bindPath, type Namespaces, parseBrowsePath } from './browse-path.ts'
import { codes, resolveNodeId } from './node-ids.ts'
import { type PartSizes, sendInParts } from './service-limits.ts'

/** Server_NamespaceArray (Part 5, 6.3.1). */
const NAMESPACE_ARRAY = 'i=2255'
/** The parent of Objects, Types and Views. */
const ROOT = 'i=84'
/** `remainingPathIndex` of a target that was reached (Part 4, 5.9.4). */
const REACHED = 0xffffffff

/** The node of a tag, or why there is none. */
export type Resolved = { nodeId: string } | { status: number }

export interface NodeResolver {
  /** One answer a tag, in the order asked. */
  resolve(tags: readonly Tag[], signal: AbortSignal): Promise<Resolved[]>
  /** The server says the node is gone: a path may lead to another one by now. */
  forget(tag: Tag): void
}

export interface ResolverOptions {
  session: ClientSession
  endpoint: string
  /** Read again where one is missing: a server may load its own after it has begun to listen. */
  namespaces: Namespaces
  /** What led nowhere is tried again after this. */
  retryMs: number
  sizes: PartSizes
  /** What no status code can say. */
  tell(say: string): void
  call<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>
}

export function createResolver(options: ResolverOptions): NodeResolver {
  const { endpoint, namespaces, retryMs, sizes, tell } = options
  const known = new Map<Tag, Resolved>()
  const missed = new Map<Tag, { ms: number; status: number }>()
  const isDue = (tag: Tag) => {
    const ms = missed.get(tag)?.ms
    return !known.has(tag) && (ms === undefined || performance.now() - ms >= retryMs)
  }
  const isHomeless = (tag: Tag) => missed.has(tag) && 'status' in bind(tag, namespaces)
  return {
    async resolve(tags, signal) {
      const due = tags.filter(isDue)
      if (due.some(isHomeless)) await rereadNamespaces(options, signal)
      const paths: { tag: Tag; steps: BoundStep[] }[] = []
      const miss = (tag: Tag, status: number) => missed.set(tag, { ms: performance.now(), status })
      for (const tag of due) {
        const bound = bind(tag, namespaces)
        if (Array.isArray(bound)) paths.push({ tag, steps: bound })
        else if ('status' in bound) {
          const stranger = findStranger(tag, namespaces)
          if (stranger)
            tell(`the server has no namespace ${stranger}; it has ${namespaces.uris.join(', ')}`)
          miss(tag, bound.status)
        } else known.set(tag, bound)
      }
      const send = (part: readonly { steps: BoundStep[] }[]) => translate(options, part, signal)
      const found = await sendInParts(paths, { size: sizes.paths, endpoint, send })
      for (const [i, { tag }] of paths.entries()) {
        const nodeId = found[i]
        if (nodeId === undefined) miss(tag, codes.badNoMatch)
        else known.set(tag, { nodeId })
      }
      return tags.map(
        (tag) => known.get(tag) ?? { status: missed.get(tag)?.status ?? codes.badNoMatch },
      )
    },
    forget(tag) {
      // Forgotten again while it is looked for, it would never be due.
      if (addressOf(tag).browsePath === undefined || !known.delete(tag)) return
      missed.set(tag, { ms: performance.now(), status: codes.badNoMatch })
    },
  }
}

/** The namespace of an address that the server does not have. */
function findStranger(tag: Tag, { uris, prefixes }: Namespaces): string | undefined {
  const { nodeId = '', browsePath } = addressOf(tag)
  const steps = browsePath === undefined ? undefined : (parseBrowsePath(browsePath) ?? [])
  const named = steps
    ? steps.map(({ uri, prefix = '' }) => uri ?? prefixes[prefix])
    : [/^nsu=([^;]+);/.exec(nodeId)?.[1]]
  return named.find((it) => it !== undefined && !uris.includes(it))
}

/** Entries stay where they are, new ones follow (Part 5, 6.3.1); the library would give its own copy. */
async function rereadNamespaces(
  { session, namespaces: { uris }, call }: ResolverOptions,
  signal: AbortSignal,
): Promise<void> {
  const node = { nodeId: NAMESPACE_ARRAY, attributeId: AttributeIds.Value }
  const { value } = await call(session.read(node, 0), signal)
  const found: unknown = value?.value
  if (Array.isArray(found)) uris.splice(0, uris.length, ...found.map(String))
}

/** A node id is resolved by itself; a path has to be asked for. */
function bind(tag: Tag, namespaces: Namespaces): Resolved | BoundStep[] {
  const { nodeId, browsePath } = addressOf(tag)
  if (browsePath === undefined) {
    const resolved = resolveNodeId(String(nodeId), namespaces.uris)
    return resolved === undefined ? { status: codes.badNodeIdUnknown } : { nodeId: resolved }
  }
  const steps = parseBrowsePath(browsePath)
  return (steps && bindPath(steps, namespaces)) ?? { status: codes.badNoMatch }
}

async function translate(
  { session, call }: ResolverOptions,
  part: readonly { steps: readonly BoundStep[] }[],
  signal: AbortSignal,
): Promise<(string | undefined)[]> {
  const request = part.map(({ steps }) => {
    const elements = steps.map((targetName) => ({
      referenceTypeId: 'i=33',
      includeSubtypes: true,
      isInverse: false,
      targetName,
    }))
    return new BrowsePath({ startingNode: ROOT, relativePath: { elements } })
  })
  return (await call(session.translateBrowsePath(request), signal)).map(firstTarget)
}

/** Of several nodes with one path the first is taken: a server should have but one. */
function firstTarget({ statusCode, targets }: BrowsePathResult): string | undefined {
  if (statusCode.isNotGood()) return undefined
  const target = targets?.find(({ remainingPathIndex }) => remainingPathIndex === REACHED)
  return target?.targetId.toString()
}
