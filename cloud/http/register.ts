/** Hangs the table of routes on Fastify: guard first, then the schema, then whose object it is, then the handler. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Actor } from '../identity/policy.ts'
import type { Cookie } from './cookie.ts'
import { admit, auditDenial, checkSites, checkStateChange, NOBODY } from './guard.ts'
import type { Call, Route } from './route.ts'
import type { Services } from './services.ts'

export interface Registration {
  services: Services
  cookie: Cookie
  routes: readonly Route[]
}

export function registerRoutes(app: FastifyInstance, { services, cookie, routes }: Registration) {
  const actors = new WeakMap<FastifyRequest, Actor>()
  const callOf = (request: FastifyRequest, reply: FastifyReply): Call => ({
    services,
    actor: actors.get(request) ?? NOBODY,
    request,
    reply,
    params: request.params as Record<string, string>,
    query: firstValues(request.query),
    body: request.body ?? {},
  })
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.url,
      ...(route.bodyLimit !== undefined && { bodyLimit: route.bodyLimit }),
      ...(route.body && { schema: { body: route.body } }),
      config: route.perMinute ? { rateLimit: { max: route.perMinute } } : {},
      // Not at onRequest: the rate limit must count first, so that a flood of refusals does not fill the audit.
      preParsing: async (request, reply) => {
        reply.header('cache-control', 'no-store')
        await refuseForeign(services, route, request)
        actors.set(request, await admit(services, { route, request, token: cookie.read(request) }))
      },
      preHandler: (request, reply) => checkSites(callOf(request, reply), route),
      handler: (request, reply) => route.handle(callOf(request, reply)),
    })
  }
}

async function refuseForeign(services: Services, route: Route, request: FastifyRequest) {
  try {
    checkStateChange(request, route)
  } catch (error) {
    if (error instanceof Fault) {
      const reason = error.message
      await auditDenial(services, { actor: 'nobody', route, request, reason })
    }
    throw error
  }
}

function firstValues(query: unknown): Record<string, string> {
  const entries = Object.entries(query as Record<string, string | string[]>)
  return Object.fromEntries(entries.map(([key, value]) => [key, [value].flat()[0] ?? '']))
}
