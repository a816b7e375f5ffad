/** The broker's door: mutual TLS 1.3 behind a gate, so that only proven gateways reach MQTT. */
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Fault } from '../../protocol/kit/fault.ts'
import { createGate } from './gate.ts'

/** A TLS handshake costs 1.6 ms of CPU: 150 a second leave three quarters of a core to the data. */
export const CONNECTS_PER_SECOND = 150
/** A site's gateways come back together after a power cut; this many need not try twice. */
export const CONNECT_BURST = 300
/** A client that stalls its handshake holds a socket for no longer than this. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** A gateway idle for this long at TCP level is probed by the kernel, or a half-open one would stay for hours. */
const TCP_KEEPALIVE_MS = 30_000
/** Accepted but not yet in TLS; beyond it the kernel refuses. */
const BACKLOG = 511

export interface ListenerOptions {
  host: string
  port: number
  tls: { key: string; cert: string; ca: string }
  /** A proven connection; the certificate was signed by `tls.ca` and is in its time. */
  accept(socket: TLSSocket, certificate: X509Certificate): void
  /** A connection that went no further, and why. */
  refuse(reason: 'too-fast' | 'handshake' | 'no-certificate'): void
}

export interface Listener extends AsyncDisposable {
  port: number
}

/** Listens, or throws Fault 'broker.not-listening'. Disposing it cuts every connection. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>()
  const tls = createTlsServer({
    ...options.tls,
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  })
  tls.on('tlsClientError', () => options.refuse('handshake'))
  tls.on('secureConnection', (socket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate) return options.accept(socket, certificate)
    options.refuse('no-certificate')
    socket.destroy()
  })
  const mayBegin = createGate({ perSecond: CONNECTS_PER_SECOND, burst: CONNECT_BURST })
  const server = createServer({
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    noDelay: true,
  })
  server.on('connection', (socket) => {
    if (!mayBegin(Date.now())) {
      options.refuse('too-fast')
      return socket.destroy()
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return tls.emit('connection', socket)
  })
  const port = await listen(server, options)
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function listen(server: Server, { host, port }: ListenerOptions): Promise<number> {
  try {
    server.listen({ host, port, backlog: BACKLOG })
    await once(server, 'listening')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('broker.not-listening', { host, port, reason }, { cause })
  }
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
