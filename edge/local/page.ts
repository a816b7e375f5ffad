/** The gateway's page on the plant network: what it does, and the switch that cuts every remote session; works with the cloud gone. */
import { fastify } from 'fastify'
import type { Registry } from 'prom-client'
import type { Log } from '../../protocol/kit/log.ts'
import { renderStatus } from './render-status.ts'

export interface GatewayStatus {
  site: string
  gateway: string
  at: number
  cloud: { connected: boolean; since: number; hostOnline: boolean }
  tunnel: { connected: boolean; since: number }
  outbox: {
    batches: number
    samples: number
    bytes: number
    oldestAt: number | undefined
    dropped: number
  }
  remoteAccess: { cut: boolean; reason: string | undefined; streams: number; targets: string[] }
  devices: {
    id: string
    driver: string
    online: boolean
    since: number
    sentence: string | undefined
    tags: { name: string; value: string; unit: string; quality: number; at: number | undefined }[]
  }[]
  /** The latest decisions about remote access, newest first. */
  decisions: { at: number; allowed: boolean; text: string }[]
}

export interface LocalPageOptions {
  host: string
  port: number
  status(): GatewayStatus
  /** Cuts every stream and refuses new ones until restored. */
  cut(reason: string): Promise<void>
  restore(): Promise<void>
  metrics: Registry
  log: Log
}

export interface LocalPage extends AsyncDisposable {
  port: number
}

/** A request body here is one short reason. */
const MAX_BODY_BYTES = 10_000

/** Opens the page. Throws when the port is taken. */
export async function openLocalPage(options: LocalPageOptions): Promise<LocalPage> {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES, logger: false })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    reply.header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    )
    if (request.method !== 'GET' && !isSameOrigin(request.headers)) {
      await reply.code(403).send('This page takes orders only from itself.')
    }
  })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.get('/', async (_, reply) => {
    await reply.type('text/html; charset=utf-8').send(renderStatus(options.status()))
  })
  app.get('/status', async () => options.status())
  app.get('/healthz', async () => ({ ok: true }))
  app.get('/metrics', async (_, reply) => {
    await reply.type(options.metrics.contentType).send(await options.metrics.metrics())
  })
  app.post('/remote-access/cut', async (request, reply) => {
    await options.cut(reasonOf(request.body))
    await reply.redirect('/', 303)
  })
  app.post('/remote-access/restore', async (_, reply) => {
    await options.restore()
    await reply.redirect('/', 303)
  })
  const address = await app.listen({ host: options.host, port: options.port })
  options.log.info({ address }, 'local page open')
  return {
    port: Number(new URL(address).port),
    [Symbol.asyncDispose]: async () => await app.close(),
  }
}

function reasonOf(body: unknown): string {
  const reason = (body as { reason?: unknown } | undefined)?.reason
  return typeof reason === 'string' && reason.trim()
    ? reason.trim().slice(0, 200)
    : 'switched off at the site'
}

/** A form of another site must not reach the switch: browsers always say where a POST comes from. */
function isSameOrigin(headers: {
  origin?: string
  host?: string
  'sec-fetch-site'?: string
}): boolean {
  if (headers.origin === undefined) return headers['sec-fetch-site'] === undefined
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host
}
