/** The gateway's end of the tunnel: dials out over TLS 1.3, then serves HTTP/2 on that socket; its own redial loop. */
import { once } from 'node:events'
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { pause } from '../../protocol/kit/backoff.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { runHeartbeat } from '../../protocol/tunnel/heartbeat.ts'
import {
  CONSENT_PATH,
  HANDSHAKE_TIMEOUT_MS,
  PING_EVERY_MS,
  PING_TIMEOUT_MS,
  REDIAL,
  SESSION_MEMORY_MB,
  SESSION_WINDOW_BYTES,
  SESSIONS_PATH,
  TUNNEL_ALPN,
  TUNNEL_SETTINGS,
} from '../../protocol/tunnel/wire.ts'
import { answerControl, type ControlOptions } from './control-request.ts'
import type { Dialer } from './dialer.ts'

/** A connection that lived shorter counts as a failed try: two processes with one certificate must not chase each other. */
const STABLE_MS = 10_000

export interface TunnelTls {
  /** PEM */
  key: string
  cert: string
  ca: string
  /** Name in the cloud's certificate, when `host` is not it. */
  servername?: string
  /** `X25519` where an old firewall drops a ClientHello of two segments (post-quantum key shares are that big). */
  ecdhCurve?: string
}

export interface TunnelState {
  up: boolean
  at: number
  /** Why it is down. */
  reason?: string
}

export interface TunnelOptions {
  host: string
  port: number
  tls: TunnelTls
  dialer: Dialer
  /** Answers the requests that are about no session. */
  control?: ControlOptions
  /** Interactive streams; a second connection for bulk comes later. */
  role?: 'interactive'
  log: Log
  /** Transitions only. */
  onState(state: TunnelState): void
}

/** Keeps the tunnel up until the signal aborts. */
export async function runTunnel(options: TunnelOptions, signal: AbortSignal): Promise<void> {
  let attempt = 0
  let isUp = false
  const report = (up: boolean, reason?: string) => {
    if (up === isUp) return
    isUp = up
    options.log.info({ reason }, up ? 'tunnel up' : 'tunnel down')
    options.onState({ up, at: Date.now(), reason })
  }
  while (!signal.aborted) {
    const startedAt = performance.now()
    const reason = await serveOnce(options, () => report(true), signal)
    if (!isUp) options.log.debug({ reason }, 'tunnel not reached')
    attempt = isUp && performance.now() - startedAt > STABLE_MS ? 0 : attempt + 1
    report(false, reason)
    if (!(await pause(attempt - 1 < 0 ? 0 : attempt - 1, REDIAL, signal))) break
  }
}

/** One connection from dialling to its end; answers why it ended. */
async function serveOnce(
  options: TunnelOptions,
  onUp: () => void,
  signal: AbortSignal,
): Promise<string> {
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  const socket = dialOut(options)
  const onAbort = () => socket.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  const handshake = setTimeout(
    () => socket.destroy(new Error('handshake took too long')),
    HANDSHAKE_TIMEOUT_MS,
  )
  let reason = 'the connection was closed'
  socket.on('error', (error) => {
    reason = error.message
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  try {
    await Promise.race([once(socket, 'secureConnect', { signal: stop }), closed])
    if (socket.destroyed) return reason
    const session = serveHttp2(socket, options)
    session.once('remoteSettings', () => {
      clearTimeout(handshake)
      onUp()
    })
    void runHeartbeat(session, { everyMs: PING_EVERY_MS, timeoutMs: PING_TIMEOUT_MS }, stop)
    await Promise.race([closed, once(session, 'close')])
    session.destroy()
    return reason
  } catch (error) {
    return reason === 'the connection was closed' ? String((error as Error).message) : reason
  } finally {
    clearTimeout(handshake)
    ended.abort()
    signal.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}

function dialOut({ host, port, tls }: TunnelOptions): TLSSocket {
  const socket = connect({
    ...tls,
    host,
    port,
    minVersion: 'TLSv1.3',
    ALPNProtocols: [TUNNEL_ALPN],
  })
  socket.setNoDelay(true)
  return socket
}

function serveHttp2(
  socket: TLSSocket,
  { dialer, control }: Pick<TunnelOptions, 'dialer' | 'control'>,
): ServerHttp2Session {
  const session = performServerHandshake(socket, {
    settings: TUNNEL_SETTINGS,
    maxSessionMemory: SESSION_MEMORY_MB,
  })
  session.setLocalWindowSize(SESSION_WINDOW_BYTES)
  session.on('error', () => session.destroy())
  session.once('close', () => dialer.lineLost())
  session.on('stream', (stream, headers) => {
    if (control && !isOfSession(headers)) void answerControl(stream, headers, control)
    else answer(stream, headers, dialer)
  })
  return session
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, dialer: Dialer): void {
  if (headers[':method'] === 'CONNECT') {
    void dialer.serve(stream, headers)
    return
  }
  stream.on('error', () => stream.destroy())
  const { method, session, rest } = parseSessionPath(headers)
  if (method === 'POST' && rest === CONSENT_PATH) {
    void dialer.ask(stream, headers, session)
    stream.resume()
    return
  }
  const isEnd = method === 'DELETE' && session !== '' && rest === ''
  if (isEnd) dialer.endSession(session)
  stream.respond({ ':status': isEnd ? 204 : 404 }, { endStream: true })
  stream.resume()
}

function isOfSession(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'CONNECT' || (headers[':path'] ?? '').startsWith(SESSIONS_PATH)
}

/** `/sessions/<id>` and what follows it. */
function parseSessionPath(headers: IncomingHttpHeaders) {
  const path = headers[':path'] ?? ''
  const tail = path.startsWith(SESSIONS_PATH) ? path.slice(SESSIONS_PATH.length) : ''
  const [session = ''] = tail.split('/', 1)
  return { method: headers[':method'], session, rest: tail.slice(session.length) }
}
