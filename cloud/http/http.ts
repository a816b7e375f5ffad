/** The HTTP face of the cloud: the API by its table of routes, the console's files, live events. */
import type { AddressInfo } from 'node:net'
import fastifyCookie from '@fastify/cookie'
import fastifyHelmet from '@fastify/helmet'
import fastifyRateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { serveConsole } from './console-files.ts'
import { createCookie } from './cookie.ts'
import { createLive, type Live } from './live.ts'
import { formatProblem, PROBLEM_TYPE, toFault } from './problem.ts'
import { registerRoutes } from './register.ts'
import type { Route } from './route.ts'
import { alarmRoutes } from './routes/alarm-routes.ts'
import { caseRoutes } from './routes/case-routes.ts'
import { explanationRoutes } from './routes/explanation-routes.ts'
import { fleetRoutes } from './routes/fleet-routes.ts'
import { gatewayConfigRoutes } from './routes/gateway-config-routes.ts'
import { gatewayRoutes } from './routes/gateway-routes.ts'
import { lifeRoutes } from './routes/life-routes.ts'
import { loginRoutes } from './routes/login-routes.ts'
import { maintenanceRoutes } from './routes/maintenance-routes.ts'
import { modelRoutes } from './routes/model-routes.ts'
import { sessionRoutes } from './routes/session-routes.ts'
import { systemRoutes } from './routes/system-routes.ts'
import { trainingRoutes } from './routes/training-routes.ts'
import type { Services } from './services.ts'

export interface HttpOptions {
  host: string
  /** 0: any free one. */
  port: number
  services: Services
  log: Log
  /** The built console; left out: the API only. */
  consoleDir?: string
  /** CSP sources of the origins on which machines' own pages are shown, e.g. `http://*.localhost:8080`. */
  hmiOrigins?: readonly string[]
  /** False only for plain HTTP on a host other than localhost. */
  secureCookie?: boolean
  hookToken?: string
  metricsToken?: string
  /** Addresses of reverse proxies whose X-Forwarded-* headers are believed. */
  trustedProxies?: readonly string[]
}

export interface Http extends AsyncDisposable {
  /** `http://host:port` as bound. */
  url: string
  port: number
  live: Pick<Live, 'changed' | 'samples' | 'clients'>
  /** For upgrades (WebSockets of the sessions). */
  server: FastifyInstance['server']
}

/** Nothing we take is larger; a hook has a limit of its own. */
const BODY_BYTES = 64 * 1024
/** A page of charts makes five calls a second; ten times that is a fault or an attack. */
const CALLS_PER_MINUTE = 3_000

/** Rejects with the system's error (EADDRINUSE) when the port is taken. */
export async function openHttp(options: HttpOptions): Promise<Http> {
  const { host, port, services } = options
  const live = createLive()
  const app = createApp(options)
  await registerPlugins(app, options)
  registerRoutes(app, {
    services,
    cookie: createCookie(options.secureCookie ?? true),
    routes: apiRoutes(options, live),
  })
  await serveConsole(app, options.consoleDir)
  await app.listen({ host, port })
  const bound = app.server.address() as AddressInfo
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return {
    url: `http://${shown}:${bound.port}`,
    port: bound.port,
    live,
    server: app.server,
    async [Symbol.asyncDispose]() {
      // The endless streams first: close waits for what is being answered.
      live[Symbol.dispose]()
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

/** Every route of the API, in one list. */
export function apiRoutes(
  options: Pick<HttpOptions, 'secureCookie' | 'hookToken' | 'metricsToken'>,
  live: Live,
): readonly Route[] {
  const { hookToken, metricsToken } = options
  const cookie = createCookie(options.secureCookie ?? true)
  return [
    ...loginRoutes(cookie),
    ...fleetRoutes,
    ...lifeRoutes,
    ...modelRoutes,
    ...trainingRoutes,
    ...explanationRoutes,
    ...gatewayConfigRoutes,
    ...gatewayRoutes,
    ...alarmRoutes,
    ...maintenanceRoutes,
    ...caseRoutes,
    ...sessionRoutes,
    ...systemRoutes({ live, cookie, hookToken, metricsToken }),
  ]
}

function createApp({ log, trustedProxies }: HttpOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES,
    trustProxy: trustedProxies ? [...trustedProxies] : false,
    // Our own log names what happened; a line per request is the metrics' work.
    logger: false,
    routerOptions: { maxParamLength: 200 },
  })
  // Exactly what the schema says: no coercion of types, no silent dropping.
  app.setValidatorCompiler(({ schema }) => {
    const validator = Compile(schema as TSchema)
    return (value: unknown) => {
      if (validator.Check(value)) return { value }
      const [first] = validator.Errors(value)
      const problem = `${first?.instancePath || 'the body'} ${first?.message ?? 'is wrong'}`
      return { error: new Fault('request.invalid', { problem }) }
    }
  })
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {})
    else parse(request, body as string, done)
  })
  app.setErrorHandler((error, request, reply) => {
    const fault = toFault(error, request.routeOptions.bodyLimit ?? BODY_BYTES)
    const problem = formatProblem(fault)
    if (problem.status >= 500)
      log.error({ err: error, path: request.url.split('?')[0] }, 'request failed')
    return reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
  })
  return app
}

async function registerPlugins(app: FastifyInstance, options: HttpOptions): Promise<void> {
  await app.register(fastifyCookie)
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        // Mantine writes its colour variables into style elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        frameSrc: options.hmiOrigins?.length ? [...options.hmiOrigins] : ["'none'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
      },
    },
    // `no-referrer` would turn the Origin of our own forms into `null`.
    referrerPolicy: { policy: 'same-origin' },
    frameguard: { action: 'deny' },
  })
  await app.register(fastifyRateLimit, {
    max: CALLS_PER_MINUTE,
    timeWindow: '1 minute',
    errorResponseBuilder: (_request, { ttl }) =>
      new Fault('request.too-often', { seconds: Math.ceil(ttl / 1_000) }),
  })
}
