/** The cloud's end of all tunnels: gateways dial in over mTLS, the cloud opens streams on what they dialled. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type TLSSocket } from 'node:tls'
import { Fault } from '../../protocol/kit/fault.ts'
import { type GatewayNews, RENEWAL_LINE_MS } from '../../protocol/tunnel/news.ts'
import { HANDSHAKE_TIMEOUT_MS, TUNNEL_ALPN } from '../../protocol/tunnel/wire.ts'
import { type Admitted, admit, type DoorOptions, type GatewayName } from './admission.ts'
import { type GatewayLink, openGatewayLink } from './gateway-link.ts'
import type { GatewayOrder } from './gateway-order.ts'

/** TLS connections at once, of all gateways: beyond it a cloud is run twice. */
const MAX_CONNECTIONS = 5_000

export interface TunnelHubOptions extends DoorOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  tls: { key: string; cert: string; ca: string }
  onGateway(change: GatewayName & { online: boolean; at: number }): void
  /** A gateway that was let in is up; not called for one whose certificate has ended. */
  onCertificate?(of: Admitted): void
  /** What a gateway tells unasked; it knows of itself only. Its next news waits until this resolves. */
  onNews?(of: Admitted, news: GatewayNews, order: Order): Promise<void>
}

/** Asks the very gateway, over the very connection, that the news came from. */
export type Order = (order: GatewayOrder) => Promise<unknown>

export interface StreamRequest extends GatewayName {
  target: string
  grant: string
}

export interface TunnelHub extends AsyncDisposable {
  readonly port: number
  isUp(site: string, gateway: string): boolean
  /** Ends every connection of this gateway, with all that runs in it. It may come back if the door lets it in. */
  cut(name: GatewayName): void
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
  const links: Links = { current: new Map(), all: new Map(), cutAt: new Map() }
  const server = createServer({
    ...options.tls,
    requestCert: true,
    // Judged by us, in admission.ts: one whose certificate has ended may come in to renew it.
    rejectUnauthorized: false,
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
    const link = links.current.get(keyOf({ site, gateway }))?.link
    if (!link) throw new Fault('tunnel.down', { site, gateway })
    return link
  }
  return {
    port: (server.address() as AddressInfo).port,
    isUp: (site, gateway) => links.current.has(keyOf({ site, gateway })),
    openStream: async ({ site, gateway, target, grant }) =>
      await linkOf(site, gateway).openStream(target, grant),
    endSession: async (site, gateway, session) => await linkOf(site, gateway).endSession(session),
    askConsent: async ({ site, gateway, ...question }, signal) =>
      await linkOf(site, gateway).askConsent(question, signal),
    order: async (site, gateway, order) => await linkOf(site, gateway).order(order),
    cut(name) {
      links.cutAt.set(keyOf(name), performance.now())
      for (const [link, key] of links.all) if (key === keyOf(name)) link.close()
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const link of links.all.keys()) link.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** All connections of gateways; `current` is the one of each that is used, the others are on their way out. */
interface Links {
  current: Map<string, { link: GatewayLink; fingerprint: string }>
  /** With whose it is. */
  all: Map<GatewayLink, string>
  /** When somebody cut it last: who was let in before that and is in no list yet goes too. */
  cutAt: Map<string, number>
}

async function accept(socket: TLSSocket, links: Links, options: TunnelHubOptions): Promise<void> {
  const { log } = options
  const beganAt = performance.now()
  const admitted = await admit(socket, options)
  const isCut = admitted && (links.cutAt.get(keyOf(admitted)) ?? -1) >= beganAt
  if (!admitted || isCut || socket.destroyed) {
    log.warn({ peer: socket.remoteAddress }, 'tunnel of an unknown gateway refused')
    socket.destroy()
    return
  }
  if (admitted.isExpired) admitToRenew(socket, admitted, links, options)
  else admitInFull(socket, admitted, links, options)
}

function admitInFull(
  socket: TLSSocket,
  admitted: Admitted,
  links: Links,
  options: TunnelHubOptions,
): void {
  const { site, gateway, certificate } = admitted
  const { log, onGateway } = options
  const key = keyOf(admitted)
  const name = { site, gateway }
  const fingerprint = certificate.fingerprint256
  const link = openGatewayLink(socket, name, {
    onUp() {
      const previous = links.current.get(key)
      links.current.set(key, { link, fingerprint })
      log.info({ ...name, replaced: previous !== undefined }, 'tunnel up')
      // With another certificate it has renewed: sessions on the older connection go on to their end there.
      if (previous && previous.fingerprint !== fingerprint) previous.link.retire()
      // With the same: the older one is most likely half open.
      else previous?.link.close()
      options.onCertificate?.(admitted)
      if (!previous) onGateway({ ...name, online: true, at: Date.now() })
    },
    onClose() {
      links.all.delete(link)
      if (links.current.get(key)?.link !== link) return
      links.current.delete(key)
      log.info(name, 'tunnel down')
      onGateway({ ...name, online: false, at: Date.now() })
    },
    onNews: (news) => takeNews(options, admitted, { news, link }),
  })
  links.all.set(link, key)
}

/** No stream, no session, no configuration: it is in no list, and its time is short. */
function admitToRenew(
  socket: TLSSocket,
  admitted: Admitted,
  links: Links,
  options: TunnelHubOptions,
): void {
  const { site, gateway } = admitted
  const late = setTimeout(() => link.close(), RENEWAL_LINE_MS)
  const link = openGatewayLink(
    socket,
    { gateway },
    {
      onUp: () =>
        options.log.warn({ site, gateway }, 'certificate has ended: it may only renew it'),
      onClose() {
        links.all.delete(link)
        clearTimeout(late)
      },
      async onNews(news) {
        if (news.kind === 'renewal') await takeNews(options, admitted, { news, link })
      },
    },
  )
  links.all.set(link, keyOf(admitted))
}

async function takeNews(
  { onNews, log }: TunnelHubOptions,
  admitted: Admitted,
  { news, link }: { news: GatewayNews; link: GatewayLink },
): Promise<void> {
  try {
    await onNews?.(admitted, news, link.order)
  } catch (error) {
    const { site, gateway } = admitted
    log.warn({ error, site, gateway, news: news.kind }, 'news of a gateway came to nothing')
  }
}

/** Neither name contains a slash (they are Sparkplug ids). */
function keyOf({ site, gateway }: GatewayName): string {
  return `${site}/${gateway}`
}
