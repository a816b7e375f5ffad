/** One gateway's tunnel connection: an HTTP/2 client on the socket which the gateway dialled. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Fault } from '../../protocol/kit/fault.ts'
import { runHeartbeat } from '../../protocol/tunnel/heartbeat.ts'
import type { GatewayNews } from '../../protocol/tunnel/news.ts'
import { parseReason } from '../../protocol/tunnel/refusal.ts'
import {
  CONSENT_BY_HEADER,
  CONSENT_PATH,
  CONSENT_WAIT_MS,
  GRANT_HEADER,
  HANDSHAKE_TIMEOUT_MS,
  OPEN_TIMEOUT_MS,
  PING_EVERY_MS,
  PING_TIMEOUT_MS,
  REASON_HEADER,
  SESSION_MEMORY_MB,
  SESSION_WINDOW_BYTES,
  SESSIONS_PATH,
  STREAMS_PER_GATEWAY,
  TUNNEL_SETTINGS,
} from '../../protocol/tunnel/wire.ts'
import { readNews } from './gateway-news.ts'
import { type GatewayOrder, sendOrder } from './gateway-order.ts'

export interface GatewayLink {
  openStream(target: string, grant: string): Promise<Duplex>
  endSession(session: string): Promise<void>
  /** The name of the person at the site who said yes; aborting takes the question back. */
  askConsent(question: { session: string; grant: string }, signal: AbortSignal): Promise<string>
  /** About the gateway itself, no session; see `sendOrder`. */
  order(order: GatewayOrder): Promise<unknown>
  /** What is open goes on to its own end; nothing new is begun. */
  retire(): void
  close(): void
}

export interface GatewayLinkEvents {
  /** The gateway has answered with its SETTINGS: streams can be opened. */
  onUp(): void
  onClose(): void
  /** What the gateway tells unasked; the next is read when it resolves. Must not reject. */
  onNews(news: GatewayNews): Promise<void>
}

/** Takes over the socket; `onClose` comes exactly once, also without an `onUp`. */
export function openGatewayLink(
  socket: TLSSocket,
  { gateway }: { gateway: string },
  events: GatewayLinkEvents,
): GatewayLink {
  const ended = new AbortController()
  const session = connect('http://gateway', {
    createConnection: () => socket,
    settings: TUNNEL_SETTINGS,
    maxSessionMemory: SESSION_MEMORY_MB,
    peerMaxConcurrentStreams: STREAMS_PER_GATEWAY,
  })
  session.on('error', () => session.destroy())
  const handshake = setTimeout(() => session.destroy(), HANDSHAKE_TIMEOUT_MS)
  session.once('connect', () => session.setLocalWindowSize(SESSION_WINDOW_BYTES))
  let news: { close(): void } | undefined
  session.once('remoteSettings', () => {
    clearTimeout(handshake)
    events.onUp()
    if (!session.destroyed) news = readNews(session, events.onNews)
  })
  session.once('close', () => {
    clearTimeout(handshake)
    ended.abort()
    socket.destroy()
    events.onClose()
  })
  void runHeartbeat(session, { everyMs: PING_EVERY_MS, timeoutMs: PING_TIMEOUT_MS }, ended.signal)
  let open = 0
  return {
    async openStream(target, grant) {
      if (open >= STREAMS_PER_GATEWAY) {
        throw refusalFault(gateway, parseReason('busy'))
      }
      open++
      const stream = request(session, gateway, {
        ':method': 'CONNECT',
        ':authority': target,
        [GRANT_HEADER]: grant,
      })
      stream.once('close', () => open--)
      await answered(stream, gateway, 200)
      return stream
    },
    async endSession(id) {
      const stream = request(session, gateway, {
        ':method': 'DELETE',
        ':path': `${SESSIONS_PATH}${id}`,
      })
      stream.resume()
      await answered(stream, gateway, 204)
    },
    async askConsent({ session: id, grant }, signal) {
      const path = `${SESSIONS_PATH}${id}${CONSENT_PATH}`
      const headers = { ':method': 'POST', ':path': path, [GRANT_HEADER]: grant }
      const stream = request(session, gateway, headers)
      const withdraw = () => stream.close(constants.NGHTTP2_CANCEL)
      signal.addEventListener('abort', withdraw, { once: true })
      stream.resume()
      try {
        const waitMs = CONSENT_WAIT_MS + OPEN_TIMEOUT_MS
        return parseName((await answered(stream, gateway, 204, waitMs))[CONSENT_BY_HEADER])
      } finally {
        signal.removeEventListener('abort', withdraw)
      }
    },
    order: async (order) => await sendOrder(session, gateway, order),
    retire() {
      news?.close()
      session.close()
    },
    close: () => session.destroy(),
  }
}

function request(
  session: ClientHttp2Session,
  gateway: string,
  headers: Record<string, string>,
): ClientHttp2Stream {
  try {
    const stream = session.request(headers, { endStream: headers[':method'] !== 'CONNECT' })
    // For good: whoever holds the stream hears of its end by 'close'.
    stream.on('error', () => stream.destroy())
    return stream
  } catch (cause) {
    throw new Fault('tunnel.down', { gateway }, { cause })
  }
}

/** Resolves with the headers when the gateway answers with that status. */
async function answered(
  stream: ClientHttp2Stream,
  gateway: string,
  wanted: number,
  waitMs = OPEN_TIMEOUT_MS,
): Promise<Record<string, unknown>> {
  const headers = await new Promise<Record<string, unknown> | undefined>((resolve) => {
    const late = setTimeout(() => resolve(undefined), waitMs)
    stream.once('response', resolve)
    stream.once('close', () => resolve(undefined))
    stream.once('close', () => clearTimeout(late))
    stream.once('response', () => clearTimeout(late))
  })
  if (headers?.[':status'] === wanted) return headers
  stream.close(constants.NGHTTP2_CANCEL)
  if (!headers) throw new Fault('tunnel.down', { gateway })
  throw refusalFault(gateway, parseReason(headers[REASON_HEADER]), headers[':status'])
}

/** Longer is no name of a person. */
const MAX_NAME = 100

/** Percent-encoded by the gateway; what cannot be read is nobody's name. */
function parseName(header: unknown): string {
  try {
    return decodeURIComponent(String(header ?? '')).slice(0, MAX_NAME)
  } catch {
    return ''
  }
}

function refusalFault(
  gateway: string,
  reason: ReturnType<typeof parseReason>,
  status?: unknown,
): Fault {
  return new Fault('tunnel.refused', {
    gateway,
    refusal: reason?.code,
    reason: (reason?.say ?? `it answered ${status}`).replace(/\.$/, ''),
  })
}
