/** The web HMI in the browser: one listener, a host name of its own for every opened session, a gate before each request. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../../../protocol/kit/log.ts'
import type { LiveSession } from '../live-session.ts'
import type { ViewerAccess } from '../viewers.ts'
import { forwardHttp, safeMethods } from './forward.ts'
import { COOKIE_NAME, ownCookie, type ProxyPlace } from './headers.ts'
import { forwardUpgrade } from './upgrade.ts'
import { type SayingCode, say, sayRaw } from './words.ts'

/** Browsers open six per origin and a few WebSockets; a hundred technicians fit. */
const MAX_CONNECTIONS = 2_000
const HEADERS_TIMEOUT_MS = 15_000
/** Where our own address begins; the machine never sees a request below it. */
const OWN_PREFIX = '/__mimamori/'

export interface HmiProxyOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** `sessions.viewers` */
  access: ViewerAccess
  /** Origins whose pages may frame an HMI, e.g. `http://127.0.0.1:8080`. */
  consoleOrigins: readonly string[]
  /**
   * Base of the labels: `http://hmi.localhost` (the default; the port is added) or, behind a TLS proxy with a
   * wildcard certificate, `https://hmi.example.com`.
   */
  publicBase?: string
  log: Log
}

export interface HmiProxy extends AsyncDisposable {
  readonly port: number
  /** What `sessions.open` wants as `publicBase`. */
  readonly publicBase: string
}

interface Gate {
  options: HmiProxyOptions
  publicBase: URL
  frameAncestors: string
}

/** Listens. */
export async function openHmiProxy(options: HmiProxyOptions): Promise<HmiProxy> {
  const publicBase = new URL(options.publicBase ?? 'http://hmi.localhost')
  const frameAncestors = `frame-ancestors ${options.consoleOrigins.join(' ')}`
  const gate: Gate = { options, publicBase, frameAncestors }
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 })
  server.maxConnections = MAX_CONNECTIONS
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => answer(gate, request, response))
  server.on('upgrade', (request, socket, head) => answerUpgrade(gate, { request, socket, head }))
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  if (options.publicBase === undefined) publicBase.port = String(port)
  return {
    port,
    publicBase: publicBase.origin,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      // Upgraded ones too, which the server itself no longer counts as its own.
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function answer(gate: Gate, request: IncomingMessage, response: ServerResponse): void {
  response.on('error', () => response.destroy())
  request.on('error', () => request.destroy())
  if (request.url?.startsWith(OWN_PREFIX)) {
    enter(gate, request, response)
    return
  }
  const passed = admit(gate, request)
  if ('code' in passed) say(response, passed.code, gate.frameAncestors)
  else void forwardHttp({ ...passed, request, response })
}

function answerUpgrade(
  gate: Gate,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
): void {
  socket.on('error', () => socket.destroy())
  const passed = admit(gate, request, true)
  if ('code' in passed) sayRaw(socket, passed.code)
  else void forwardUpgrade({ ...passed, request, socket, head })
}

/** `GET /__mimamori/enter?ticket=…`: trades the ticket for the cookie. */
function enter(gate: Gate, request: IncomingMessage, response: ServerResponse): void {
  const label = labelOf(gate, request)
  const url = new URL(request.url ?? '/', 'http://hmi')
  const isEntry = request.method === 'GET' && url.pathname === `${OWN_PREFIX}enter`
  const ticket = url.searchParams.get('ticket') ?? ''
  const cookie = isEntry && label ? gate.options.access.enter(label, ticket) : undefined
  if (cookie === undefined) {
    say(response, 'bad-ticket', gate.frameAncestors)
    return
  }
  response.writeHead(303, {
    location: '/',
    'set-cookie': `${COOKIE_NAME}=${cookie}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': gate.frameAncestors,
  })
  response.end()
}

type Passed = { live: LiveSession; place: ProxyPlace } | { code: SayingCode }

/** Everything that must be true before a byte of this request goes to the machine. */
function admit(gate: Gate, request: IncomingMessage, isUpgrade = false): Passed {
  // The absolute form is for proxies: a machine that is one must not be asked for other hosts.
  if (!request.url?.startsWith('/')) return { code: 'bad-request' }
  const label = labelOf(gate, request)
  const viewing = label && gate.options.access.find(label, ownCookie(request.headers.cookie))
  if (!viewing) return { code: 'no-session' }
  if (viewing.state === 'ended') return { code: 'ended' }
  const origin = `${gate.publicBase.protocol}//${request.headers.host}`
  if (!isOwnPage(request, origin, isUpgrade)) return { code: 'foreign-origin' }
  if (request.headers['service-worker'] !== undefined) return { code: 'service-worker' }
  const { live } = viewing
  const changes = isUpgrade || !safeMethods.includes(request.method ?? '')
  // A WebSocket can carry commands as well as pictures: it needs the right to control.
  if (changes && !live.mayControl) return { code: 'view-only' }
  if (live.isPaused()) return { code: 'paused' }
  return { live, place: { target: live.target, origin, frameAncestors: gate.frameAncestors } }
}

/** The random label before the base domain; undefined for any other Host. */
function labelOf({ publicBase }: Gate, { headers }: IncomingMessage): string | undefined {
  const host = headers.host?.toLowerCase() ?? ''
  const label = host.slice(0, 32)
  return /^[0-9a-f]{32}$/.test(label) && host === `${label}.${publicBase.host}` ? label : undefined
}

/**
 * The cookie alone is never enough. What can change something must come from a page of this very origin; from
 * elsewhere only the frame itself may be navigated (that is how the console opens it).
 */
function isOwnPage(
  { method, headers }: IncomingMessage,
  origin: string,
  isUpgrade: boolean,
): boolean {
  if (isUpgrade) return headers.origin === origin
  const site = headers['sec-fetch-site']
  // `null`: a page that hides its origin from everybody; the browser's own word on the site still holds.
  const isNamed = headers.origin !== undefined && headers.origin !== 'null'
  if (!safeMethods.includes(method ?? '')) {
    return isNamed ? headers.origin === origin : site === 'same-origin'
  }
  if (isNamed && headers.origin !== origin) return false
  const isForeign = site === 'cross-site' || site === 'same-site'
  return !isForeign || headers['sec-fetch-mode'] === 'navigate'
}
