/** The gateway's end of the tunnel: dials out over TLS 1.3, then serves HTTP/2 on that socket; its own redial loop. */
import { once } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { pause } from '../../protocol/kit/backoff.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { runHeartbeat } from '../../protocol/tunnel/heartbeat.ts'
import {
  HANDSHAKE_TIMEOUT_MS,
  PING_EVERY_MS,
  PING_TIMEOUT_MS,
  REDIAL,
  TUNNEL_ALPN,
} from '../../protocol/tunnel/wire.ts'
import { type LineServices, serveLine } from './serve-line.ts'

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

/** What each connection shows of who we are; with two certificates at hand, which of them. */
export interface TunnelCredentials {
  /** `newest`: and no other. */
  use(newest?: boolean): TunnelTls
  /** The cloud took the connection in, or there was none. */
  judged(shown: TunnelTls, isAccepted: boolean): void
}

export interface TunnelOptions extends LineServices {
  host: string
  port: number
  credentials: TunnelCredentials
  log: Log
  /** Transitions only. */
  onState?(state: TunnelState): void
}

export interface Tunnel extends AsyncDisposable {
  state(): TunnelState
  /** Dials a second time, with the newest certificate; once that is up it is the tunnel. Why not; undefined: it is. */
  redial(): Promise<string | undefined>
}

/** Keeps the tunnel up until disposed. */
export function openTunnel(options: TunnelOptions): Tunnel {
  const stop = new AbortController()
  let state: TunnelState = { up: false, at: Date.now() }
  const lines: Lines = {
    options,
    serving: new Set(),
    lost: () => {},
    report(up, reason) {
      if (up === state.up) return
      state = { up, at: Date.now(), reason }
      options.log.info({ reason }, up ? 'tunnel up' : 'tunnel down')
      options.onState?.(state)
    },
  }
  const ended = keepLine(lines, stop.signal)
  return {
    state: () => state,
    async redial() {
      const line = dialLine(lines, options.credentials.use(true), stop.signal)
      const reason = await line.up
      if (reason !== undefined) return reason
      // It may have come and gone.
      if (line.over !== undefined) return line.over
      lines.current = line
      lines.report(true)
      return undefined
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

/** One connection. */
interface Line {
  /** Why it never came up; undefined: it did. */
  up: Promise<string | undefined>
  /** Why it has ended; undefined: it has not. */
  over?: string
}

/** All connections of one tunnel: the current one, and older ones whose streams go on to their end. */
interface Lines {
  options: TunnelOptions
  serving: Set<ServerHttp2Session>
  current?: Line
  /** Told why the current one has ended. */
  lost(reason: string): void
  report(up: boolean, reason?: string): void
}

async function keepLine(lines: Lines, signal: AbortSignal): Promise<void> {
  const { log, credentials } = lines.options
  let attempt = 0
  while (!signal.aborted) {
    const lost = Promise.withResolvers<string>()
    lines.lost = lost.resolve
    const startedAt = performance.now()
    const line = dialLine(lines, credentials.use(), signal)
    lines.current = line
    const isUp = (await line.up) === undefined
    if (isUp) lines.report(true)
    const reason = await lost.promise
    if (!isUp) log.debug({ reason }, 'tunnel not reached')
    attempt = isUp && performance.now() - startedAt > STABLE_MS ? 0 : attempt + 1
    lines.report(false, reason)
    if (!(await pause(Math.max(0, attempt - 1), REDIAL, signal))) break
  }
}

function dialLine(lines: Lines, tls: TunnelTls, signal: AbortSignal): Line {
  const { credentials } = lines.options
  const up = Promise.withResolvers<string | undefined>()
  const line: Line = { up: up.promise }
  const onUp = () => {
    credentials.judged(tls, true)
    up.resolve(undefined)
  }
  const end = (reason: string) => {
    line.over = reason
    up.resolve(reason)
    if (lines.current === line) lines.lost(reason)
  }
  let wasUp = false
  void up.promise.then((reason) => {
    wasUp = reason === undefined
  })
  // A key or certificate that cannot be read throws at once: a line that never comes up, and no more.
  const served = serveOnce(lines, { tls, onUp }, signal).catch((error) => String(error))
  void served.then((reason) => {
    if (!wasUp && !signal.aborted) credentials.judged(tls, false)
    end(reason)
  })
  return line
}

/** One connection from dialling to its end; answers why it ended. */
async function serveOnce(
  lines: Lines,
  { tls, onUp }: { tls: TunnelTls; onUp: () => void },
  signal: AbortSignal,
): Promise<string> {
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  const socket = dialOut(lines.options, tls)
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
    const session = serveLine(socket, lines.options)
    lines.serving.add(session)
    session.once('close', () => {
      lines.serving.delete(session)
      // With another connection up the sessions go on there.
      if (lines.serving.size === 0) lines.options.dialer.lineLost()
    })
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

function dialOut({ host, port }: TunnelOptions, tls: TunnelTls): TLSSocket {
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
