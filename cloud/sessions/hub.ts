/** The cloud's end of all tunnels: gateways dial in over mTLS, the cloud opens streams on what they dialled. */
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type TLSSocket } from 'node:tls'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { HANDSHAKE_TIMEOUT_MS, TUNNEL_ALPN } from '../../protocol/tunnel/wire.ts'
import { type GatewayLink, openGatewayLink } from './gateway-link.ts'
import type { GatewayOrder } from './gateway-order.ts'

/** TLS connections at once, of all gateways: beyond it a cloud is run twice. */
const MAX_CONNECTIONS = 5_000

export interface GatewayName {
  site: string
  gateway: string
}

export interface TunnelHubOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  tls: { key: string; cert: string; ca: string }
  /** Whose certificate this is (already verified against the CA); undefined refuses the connection. */
  identify(certificate: X509Certificate): GatewayName | undefined | Promise<GatewayName | undefined>
  log: Log
  onGateway(change: GatewayName & { online: boolean; at: number }): void
}

export interface StreamRequest extends GatewayName {
  target: string
  grant: string
}

export interface TunnelHub extends AsyncDisposable {
  readonly port: number
  isUp(site: string, gateway: string): boolean
  /** Throws Fault 'tunnel.down', or 'tunnel.refused' whose detail has the gateway's `refusal` code and `reason`. */
  openStream(request: StreamRequest): Promise<Duplex>
  /** The gateway cuts the session and refuses it from now on; throws Fault 'tunnel.down' when it cannot be told. */
  endSession(site: string, gateway: string, session: string): Promise<void>
  /** Puts a session to the people at the site; resolves with the name of who said yes, throws as `openStream`. */
  askConsent(
    question: GatewayName & { session: string; grant: string },
    signal: AbortSignal,
  ): Promise<string>
  /** A request about the gateway itself; throws Fault 'tunnel.down' or 'tunnel.refused'. */
  order(site: string, gateway: string, order: GatewayOrder): Promise<unknown>
}

/** Listens for gateways. */
export async function openTunnelHub(options: TunnelHubOptions): Promise<TunnelHub> {
  const links = new Map<string, GatewayLink>()
  const server = createServer({
    ...options.tls,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    ALPNProtocols: [TUNNEL_ALPN],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    noDelay: true,
  })
  server.maxConnections = MAX_CONNECTIONS
  const sockets = new Set<TLSSocket>()
  server.on('tlsClientError', (error) =>
    options.log.debug({ error: error.message }, 'tunnel refused'),
  )
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    void accept(socket, links, options)
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const linkOf = (site: string, gateway: string) => {
    const link = links.get(keyOf({ site, gateway }))
    if (!link) throw new Fault('tunnel.down', { site, gateway })
    return link
  }
  return {
    port: (server.address() as AddressInfo).port,
    isUp: (site, gateway) => links.has(keyOf({ site, gateway })),
    openStream: async ({ site, gateway, target, grant }) =>
      await linkOf(site, gateway).openStream(target, grant),
    endSession: async (site, gateway, session) => await linkOf(site, gateway).endSession(session),
    askConsent: async ({ site, gateway, ...question }, signal) =>
      await linkOf(site, gateway).askConsent(question, signal),
    order: async (site, gateway, order) => await linkOf(site, gateway).order(order),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const link of links.values()) link.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function accept(
  socket: TLSSocket,
  links: Map<string, GatewayLink>,
  { identify, log, onGateway }: TunnelHubOptions,
): Promise<void> {
  const certificate = socket.getPeerX509Certificate()
  const name = certificate && (await nameOf(certificate, { identify, log }))
  if (!name || socket.destroyed) {
    log.warn({ peer: socket.remoteAddress }, 'tunnel of an unknown gateway refused')
    socket.destroy()
    return
  }
  const key = keyOf(name)
  const link = openGatewayLink(socket, name, {
    onUp() {
      const previous = links.get(key)
      links.set(key, link)
      // The newer one is right: the older is most likely half open.
      previous?.close()
      log.info({ ...name, replaced: previous !== undefined }, 'tunnel up')
      if (!previous) onGateway({ ...name, online: true, at: Date.now() })
    },
    onClose() {
      if (links.get(key) !== link) return
      links.delete(key)
      log.info(name, 'tunnel down')
      onGateway({ ...name, online: false, at: Date.now() })
    },
  })
}

/** Who cannot be looked up is refused, and dials again. */
async function nameOf(
  certificate: X509Certificate,
  { identify, log }: Pick<TunnelHubOptions, 'identify' | 'log'>,
): Promise<GatewayName | undefined> {
  try {
    return await identify(certificate)
  } catch (error) {
    log.error({ error }, 'a gateway could not be identified')
    return undefined
  }
}

/** Neither name contains a slash (they are Sparkplug ids). */
function keyOf({ site, gateway }: GatewayName): string {
  return `${site}/${gateway}`
}
