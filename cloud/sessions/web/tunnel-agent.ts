/** Speaks HTTP over tunnel streams: a pool of kept-alive ones for reading, a fresh one for everything else. */
import { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import type { LiveSession } from '../live-session.ts'

/** As many as browsers open to one origin. */
const MAX_SOCKETS = 6
/** HMIs close idle connections after 2 to 5 s; earlier than they do, or a request meets a closing stream. */
const IDLE_MS = 1_500

/** What `node:http` expects of a socket and an HTTP/2 stream has not: all without meaning inside a tunnel. */
const socketManners = {
  setKeepAlive() {
    return this
  },
  setNoDelay() {
    return this
  },
  ref() {
    return this
  },
  unref() {
    return this
  },
}

/** A stream of the session, dressed as a socket. */
export async function openSocket(live: LiveSession): Promise<Duplex> {
  return Object.assign(await live.openStream(), socketManners)
}

class TunnelAgent extends Agent {
  readonly #live: LiveSession

  constructor(live: LiveSession) {
    super({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      maxFreeSockets: MAX_SOCKETS,
      timeout: IDLE_MS,
    })
    this.#live = live
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    openSocket(this.#live).then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    )
  }
}

const agents = new WeakMap<LiveSession, Agent>()

/** The session's pool; it dies with the session. */
export function agentOf(live: LiveSession): Agent {
  const known = agents.get(live)
  if (known) return known
  const agent = new TunnelAgent(live)
  agents.set(live, agent)
  return agent
}
