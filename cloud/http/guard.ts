/** Who is asking, from where, and may they: asked before every handler, every no is audited. */
import type { FastifyRequest } from 'fastify'
import { Fault } from '../../protocol/kit/fault.ts'
import { type Actor, can } from '../identity/policy.ts'
import type { Call, Route } from './route.ts'
import type { Services } from './services.ts'

/** Stands for a caller who is not logged in; it may do nothing and belongs nowhere. */
export const NOBODY: Actor = {
  id: 'per_nobody',
  login: 'nobody',
  name: 'nobody',
  role: 'technician',
  sites: [],
}

/** Exactly JSON: a content type that only looks like it is refused before anything is parsed. */
const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i

/** Throws Fault 'request.foreign-origin' or 'request.not-json': a page elsewhere must not act in our user's name. */
export function checkStateChange(request: FastifyRequest, route: Route): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) throw new Fault('request.not-json')
  if (route.access === 'bearer') return
  const { origin, host } = request.headers
  if (!origin || hostOf(origin) !== host) {
    throw new Fault('request.foreign-origin', { origin: origin ?? 'none given' })
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

export interface Denial {
  actor: string
  route: Route
  request: FastifyRequest
  site?: string
  reason: string
}

/** Writes the refusal down. */
export async function auditDenial(services: Services, denial: Denial): Promise<void> {
  const { actor, route, request, site, reason } = denial
  await services.audit.append({
    actor,
    action: route.access,
    object: request.url.split('?')[0] ?? '',
    site,
    outcome: 'denied',
    detail: { method: request.method, from: request.ip, reason },
  })
}

/** The person behind the cookie, allowed by role; throws Fault 'login.required' or 'access.denied'. */
export async function admit(
  services: Services,
  { route, request, token }: { route: Route; request: FastifyRequest; token: string | undefined },
): Promise<Actor> {
  const { access } = route
  if (access === 'public' || access === 'bearer') return NOBODY
  const actor = token ? await services.identity.personOf(token) : undefined
  if (!actor) {
    // Every page begins by asking who it is; that is no intrusion.
    if (route.url !== '/api/me') {
      await auditDenial(services, { actor: 'nobody', route, request, reason: 'not logged in' })
    }
    throw new Fault('login.required')
  }
  if (access === 'login') return actor
  const verdict = can(actor, access, null)
  if (verdict.allowed) return actor
  await auditDenial(services, { actor: actor.login, route, request, reason: verdict.reason })
  throw new Fault('access.denied', { reason: verdict.reason })
}

/** Throws Fault 'object.missing' for what is not there and, with the same words, for what is another site's. */
export async function checkSites(call: Call, route: Route): Promise<void> {
  const { access } = route
  if (!route.sitesOf || access === 'public' || access === 'login' || access === 'bearer') return
  const sites = await route.sitesOf(call)
  if (!sites) throw new Fault('object.missing')
  for (const site of sites) {
    const verdict = can(call.actor, access, site)
    if (verdict.allowed) continue
    const { login } = call.actor
    const { reason } = verdict
    await auditDenial(call.services, { actor: login, route, request: call.request, site, reason })
    throw verdict.foreign ? new Fault('object.missing') : new Fault('access.denied', { reason })
  }
}
