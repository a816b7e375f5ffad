/** The gateway's page on the plant network: what it does, who asks for access, what is to be trusted; works with the cloud gone. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FastifyInstance, fastify } from 'fastify'
import { addActRoutes } from './act-routes.ts'
import { createDoorman } from './doorman.ts'
import { isBrowser, isLoopbackHost, isOurHost, isOwnOrigin, securityHeaders } from './guard.ts'
import { cookieOf, fieldsOf, type LocalPageOptions, type PageContext } from './page-context.ts'
import { addViewRoutes } from './view-routes.ts'

export interface LocalPage extends AsyncDisposable {
  port: number
}

/** People of one plant, each with a browser's handful: more are of somebody who wants the sockets that the machines need. */
const MAX_CONNECTIONS = 100
/** A request here is short. One that comes in drops holds a connection, and so does one that was only opened. */
const REQUEST_MS = 10_000
/** An open page asks every few seconds; a connection that rests longer is opened anew. */
const REST_MS = 15_000
/** A request body here is a few short fields. */
const MAX_BODY_BYTES = 10_000
const FILES = {
  '/page.css': 'text/css; charset=utf-8',
  '/page.js': 'text/javascript; charset=utf-8',
}

/** Opens the page. Throws when the port is taken. */
export async function openLocalPage(options: LocalPageOptions): Promise<LocalPage> {
  const { host, passwordFile, log } = options
  const doorman = createDoorman({ passwordFile, isLoopback: isLoopbackHost(host) })
  const context = { ...options, doorman }
  const app = createServer(options)
  addGuards(app, context)
  await addFiles(app)
  app.get('/status', async () => options.plant.status())
  app.get('/healthz', async () => ({ ok: true }))
  app.get('/metrics', async (_, reply) => {
    await reply.type(options.metrics.contentType).send(await options.metrics.metrics())
  })
  addViewRoutes(app, context)
  addActRoutes(app, context)
  const address = await app.listen({ host, port: options.port })
  log.info({ address }, 'local page open')
  if (!isLoopbackHost(host) && !(await doorman.isGuarded())) {
    log.warn(
      'the local page has no password, so nothing can be allowed on it: mimamori edge password',
    )
  }
  return {
    port: Number(new URL(address).port),
    [Symbol.asyncDispose]: async () => await app.close(),
  }
}

/** TLS 1.2 is allowed: the tablet of a plant may be old. The type is that of plain HTTP, whose routes are the same. */
function createServer({ tls, requestMs = REQUEST_MS }: LocalPageOptions): FastifyInstance {
  const common = {
    ...{ bodyLimit: MAX_BODY_BYTES, logger: false, forceCloseConnections: true },
    ...{ requestTimeout: requestMs, keepAliveTimeout: REST_MS },
  }
  const times = { headersTimeout: requestMs, connectionsCheckingInterval: requestMs / 4 }
  const https = { ...tls, ...times, minVersion: 'TLSv1.2', handshakeTimeout: requestMs } as const
  const app = tls ? (fastify({ ...common, https }) as never) : fastify({ ...common, http: times })
  app.server.maxConnections = MAX_CONNECTIONS
  return app
}

function addGuards(app: FastifyInstance, { names, doorman }: PageContext): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders)
    if (!isOurHost(request.headers.host, names)) {
      await reply.code(421).send('This name is not in local.names of the configuration.')
    } else if (request.method !== 'GET' && !isOwnOrigin(request)) {
      await reply.code(403).send('This page takes orders only from itself.')
    }
  })
  app.addHook('preHandler', async (request, reply) => {
    if (request.method === 'GET' || !isBrowser(request)) return
    const { token } = fieldsOf(request)
    if (!doorman.isToken(token, cookieOf(request))) await reply.redirect('/?said=stale', 303)
  })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
}

async function addFiles(app: FastifyInstance): Promise<void> {
  for (const [path, type] of Object.entries(FILES)) {
    const text = await readFile(join(import.meta.dirname, 'assets', path), 'utf8')
    app.get(path, async (_, reply) => {
      await reply.type(type).send(text)
    })
  }
}
