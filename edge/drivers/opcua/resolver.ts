/** From the addresses of tags to the nodes of one session, asked for once and remembered. */
import { BrowsePath, type BrowsePathResult, type ClientSession } from 'node-opcua-client'
import type { Tag } from '../../../protocol/model.ts'
import { addressOf } from './address.ts'
import { type BoundStep, bindPath, type Namespaces, parseBrowsePath } from './browse-path.ts'
import { codes, resolveNodeId } from './node-ids.ts'

/** Paths a TranslateBrowsePathsToNodeIds request: below the operation limit of small servers. */
const MAX_PATHS_PER_CALL = 200
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
  namespaces: Namespaces
  /** A path that led nowhere is tried again after this. */
  retryMs: number
  call<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>
}

export function createResolver(options: ResolverOptions): NodeResolver {
  const { namespaces, retryMs } = options
  const known = new Map<Tag, Resolved>()
  const missedMs = new Map<Tag, number>()
  const isDue = (tag: Tag) => {
    const ms = missedMs.get(tag)
    return ms === undefined || performance.now() - ms >= retryMs
  }
  return {
    async resolve(tags, signal) {
      const paths: { tag: Tag; steps: BoundStep[] }[] = []
      for (const tag of tags) {
        if (known.has(tag)) continue
        const bound = bind(tag, namespaces)
        if (!Array.isArray(bound)) known.set(tag, bound)
        else if (isDue(tag)) paths.push({ tag, steps: bound })
      }
      for (let from = 0; from < paths.length; from += MAX_PATHS_PER_CALL) {
        const part = paths.slice(from, from + MAX_PATHS_PER_CALL)
        const found = await translate(options, part, signal)
        for (const [i, { tag }] of part.entries()) {
          const nodeId = found[i]
          if (nodeId === undefined) missedMs.set(tag, performance.now())
          else known.set(tag, { nodeId })
        }
      }
      return tags.map((tag) => known.get(tag) ?? { status: codes.badNoMatch })
    },
    forget(tag) {
      if (addressOf(tag).browsePath === undefined) return
      known.delete(tag)
      missedMs.set(tag, performance.now())
    },
  }
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
