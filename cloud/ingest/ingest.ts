/** The cloud's side of the wire: the Sparkplug host application that commits every sample before it acknowledges it. */
import { type BackoffOptions, pause } from '../../protocol/kit/backoff.ts'
import { isFault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { GatewayId, SiteId } from '../../protocol/model.ts'
import { decodePayload, type Payload } from '../../protocol/sparkplug/payload.ts'
import { parseTopic, type Topic } from '../../protocol/sparkplug/topic.ts'
import { createCommands } from './commands.ts'
import { createCommitter } from './committer.ts'
import type { EdgeNode, IngestCounters, IngestOptions, NodeView } from './contract.ts'
import { runHostSession } from './host-session.ts'
import { createNode } from './node.ts'

export type { CommitBatch, IngestOptions } from './contract.ts'

export interface Ingest extends AsyncDisposable {
  counters(): IngestCounters & { pending: number; nodes: number }
  nodes(): NodeView[]
  connected(): boolean
}

/** A message may be overtaken by this much; over one TCP connection it never is. */
const REORDER_MS = 2_000
/** Six commits a second: invisible on a chart, and each holds hundreds of samples. */
const COMMIT_MS = 150
const REBIRTH_MS = 5_000
/** Edge nodes known at once; more is an attack or another product. */
const MAX_NODES = 10_000
/** Samples of one gateway in memory (about 10 MB): beyond it the gateway keeps them. */
const MAX_PENDING = 100_000
const BACKOFF: BackoffOptions = { minMs: 200, maxMs: 10_000 }

/** Connects, and reconnects for ever, until disposed: then everything received is committed and STATE says offline. */
export function openIngest(options: IngestOptions): Ingest {
  const now = options.now ?? Date.now
  const counters = createCounters()
  const stop = new AbortController()
  const commands = createCommands({ counters, now, rebirthMs: options.rebirthMs ?? REBIRTH_MS })
  const nodes = createNodes({ options, now, counters, commands })
  let connected = false
  let saidAt = 0
  /** Of STATE: gateways believe no word that is older than the last (tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp). */
  const stateTime = () => {
    saidAt = Math.max(now(), saidAt)
    return saidAt
  }

  const receive = (text: string, bytes: Uint8Array) => {
    const topic = parseTopic(text)
    if (topic?.type === 'STATE' || topic?.type === 'NCMD' || topic?.type === 'DCMD') return
    counters.messages += 1
    const known = topic && nodes.find(topic)
    const payload = known && decode(options.log, { topic: text, bytes })
    if (payload) known.receive({ type: topic.type, device: topic.device, payload })
    else {
      counters.quarantined += 1
      known?.lost()
    }
  }
  const loop = async () => {
    for (let failures = 0; !stop.signal.aborted; ) {
      const wasOnline = await runHostSession({
        connect: options.connect,
        hostId: options.hostId,
        now: stateTime,
        log: options.log,
        receive,
        signal: stop.signal,
        online: (client) => {
          connected = client !== undefined
          commands.use(client)
        },
        beforeFarewell: nodes.drain,
      })
      failures = wasOnline ? 0 : failures + 1
      await pause(failures, options.backoff ?? BACKOFF, stop.signal)
    }
    await nodes.drain()
  }
  const running = loop()
  return {
    counters: () => ({ ...counters, pending: nodes.pending(), nodes: nodes.views().length }),
    nodes: nodes.views,
    connected: () => connected,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      nodes.close()
    },
  }
}

function createCounters(): IngestCounters {
  return {
    messages: 0,
    samples: 0,
    staleSamples: 0,
    acknowledgedRanges: 0,
    rebirthRequests: 0,
    sequenceGaps: 0,
    staleDeaths: 0,
    beforeBirth: 0,
    unknownMetrics: 0,
    quarantined: 0,
    contested: 0,
    overflowed: 0,
    failedCommits: 0,
    failedSamples: 0,
  }
}

/** Undefined for a payload that is not Sparkplug, or a hostile one; its reason is in the log at debug. */
function decode(log: Log, message: { topic: string; bytes: Uint8Array }): Payload | undefined {
  try {
    return decodePayload(message.bytes)
  } catch (error) {
    if (!isFault(error, 'sparkplug.invalid')) throw error
    const { topic, bytes } = message
    log.debug({ topic, bytes: bytes.length, reason: error.message }, 'payload quarantined')
    return undefined
  }
}

interface NodesOptions {
  options: IngestOptions
  now: () => number
  counters: IngestCounters
  commands: ReturnType<typeof createCommands>
}

/** The nodes by the identity of their topic: the broker's ACL lets each gateway publish under its own only. */
function createNodes({ options, now, counters, commands }: NodesOptions) {
  const known = new Map<string, { node: EdgeNode; committer: ReturnType<typeof createCommitter> }>()

  const add = (site: SiteId, gateway: GatewayId) => {
    const address = { site, gateway, alias: (name: string): number | undefined => node.alias(name) }
    const committer = createCommitter({
      commit: (bundle) => options.commit({ gateway, site, ...bundle }),
      commitMs: options.commitMs ?? COMMIT_MS,
      maxPending: MAX_PENDING,
      acknowledge: (range) => commands.acknowledge(address, range),
      failed(error, samples) {
        counters.failedCommits += 1
        counters.failedSamples += samples
        options.log.warn({ site, gateway, samples, error: String(error) }, 'commit failed')
      },
    })
    const node: EdgeNode = createNode({
      site,
      gateway,
      committer,
      counters,
      now,
      reorderMs: options.reorderMs ?? REORDER_MS,
      onNode: options.onNode,
      log: options.log,
      wantRebirth: () => commands.rebirth(address),
    })
    known.set(`${site}/${gateway}`, { node, committer })
    return node
  }
  return {
    find({ site, gateway }: Exclude<Topic, { type: 'STATE' }>): EdgeNode | undefined {
      const found = known.get(`${site}/${gateway}`)
      if (found) return found.node
      return known.size < MAX_NODES ? add(site, gateway) : undefined
    },
    views: (): NodeView[] => [...known.values()].map(({ node }) => node.view()),
    pending: () => [...known.values()].reduce((sum, { committer }) => sum + committer.pending(), 0),
    async drain() {
      await Promise.all([...known.values()].map(({ committer }) => committer.drain()))
    },
    close() {
      for (const { node } of known.values()) node.close()
    },
  }
}
