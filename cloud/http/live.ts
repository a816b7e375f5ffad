/** Server-sent events: what changed, and live samples of the one asset a page looks at. */
import type { FastifyReply } from 'fastify'
import type { LiveEvent } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { type Actor, knowsSite } from '../identity/policy.ts'

export interface LiveClient {
  actor: Actor
  /** Samples of this asset are wanted. */
  asset: string | undefined
  reply: FastifyReply
  /** Asked with every heartbeat: a login that ended ends its events too. */
  isStillLoggedIn(): Promise<boolean>
}

export interface Live extends Disposable {
  /** Answers with an endless stream; throws Fault 'events.full'. */
  join(client: LiveClient): void
  /** To everybody who may see the site; `null`: to all. */
  changed(event: Extract<LiveEvent, { kind: 'changed' }>, site: string | null): void
  samples(event: Extract<LiveEvent, { kind: 'samples' }>, of: { asset: string; site: string }): void
  /** Pages listening now. */
  clients(): number
}

/** Each client is a socket and a login check per heartbeat. */
const MAX_CLIENTS = 200
/** Proxies close what is silent for a minute. */
const HEARTBEAT_MS = 15_000
/** A page that reads slower than this is dropped; it reconnects by itself and asks anew. */
const MAX_UNSENT_BYTES = 1024 * 1024

export function createLive({ maxClients = MAX_CLIENTS, heartbeatMs = HEARTBEAT_MS } = {}): Live {
  const clients = new Set<LiveClient>()
  const timer = setInterval(() => {
    for (const client of clients) void beat(client)
  }, heartbeatMs)
  timer.unref()

  async function beat(client: LiveClient): Promise<void> {
    // A store that cannot answer just now is no reason to log anybody out.
    if (await client.isStillLoggedIn().catch(() => true)) write(client, ': still here\n\n')
    else client.reply.raw.end()
  }

  function write({ reply }: LiveClient, text: string): void {
    if (reply.raw.writableLength > MAX_UNSENT_BYTES) reply.raw.destroy()
    else reply.raw.write(text)
  }

  function send(event: LiveEvent, isFor: (client: LiveClient) => boolean): void {
    const text = `data: ${JSON.stringify(event)}\n\n`
    for (const client of clients) if (isFor(client)) write(client, text)
  }

  return {
    join(client) {
      if (clients.size >= maxClients) throw new Fault('events.full', { limit: maxClients })
      client.reply.hijack()
      const { raw } = client.reply
      // Hijacked: the headers that Fastify and helmet set so far must be written by hand.
      for (const [name, value] of Object.entries(client.reply.getHeaders())) {
        if (value !== undefined) raw.setHeader(name, value)
      }
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      clients.add(client)
      raw.on('close', () => clients.delete(client))
      raw.on('error', () => raw.destroy())
      write(client, ': welcome\n\n')
    },
    changed: (event, site) => send(event, ({ actor }) => site === null || knowsSite(actor, site)),
    samples: (event, { asset, site }) =>
      send(event, (client) => client.asset === asset && knowsSite(client.actor, site)),
    clients: () => clients.size,
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const { reply } of clients) reply.raw.end()
      clients.clear()
    },
  }
}
