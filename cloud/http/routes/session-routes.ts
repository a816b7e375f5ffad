/** Sessions: asked for, approved, opened, ended, replayed. */
import type { Static } from 'typebox'
import { DecisionRequest, EndRequest, SessionRequest } from '../../../protocol/api.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import { auditDenial } from '../guard.ts'
import { type Call, idOf, type Route, stateOf } from '../route.ts'
import { siteOfCase } from './case-routes.ts'

async function siteOfSession(call: Call): Promise<readonly string[] | undefined> {
  const session = await call.services.sessions.get(idOf(call))
  return session && [session.site]
}

const noteOf = (call: Call) => (call.body as { note?: string }).note

/** Looking at evidence is itself evidence. */
async function auditView(call: Call, what: string): Promise<void> {
  const [site] = (await siteOfSession(call)) ?? []
  const { login } = call.actor
  const detail = { what }
  await call.services.audit.append({
    ...{ actor: login, action: 'recording.view', object: idOf(call), site },
    ...{ outcome: 'allowed', detail },
  })
}

const reading: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/sessions',
    access: 'telemetry.read',
    async handle(call) {
      const query = { state: stateOf(call), sites: call.actor.sites }
      return { sessions: await call.services.sessions.list(query) }
    },
  },
  {
    method: 'GET',
    url: '/api/sessions/:id',
    access: 'telemetry.read',
    sitesOf: siteOfSession,
    handle: (call) => call.services.sessions.get(idOf(call)),
  },
  {
    method: 'GET',
    url: '/api/sessions/:id/recording',
    access: 'recording.view',
    sitesOf: siteOfSession,
    async handle(call) {
      const recording = await call.services.sessions.recording(idOf(call))
      await auditView(call, 'recording')
      return recording
    },
  },
  {
    method: 'GET',
    url: '/api/sessions/:id/recording.har',
    access: 'recording.view',
    sitesOf: siteOfSession,
    async handle(call) {
      const har = await call.services.sessions.har(idOf(call))
      await auditView(call, 'har')
      call.reply.header('content-disposition', `attachment; filename="${idOf(call)}.har"`)
      return har
    },
  },
]

const asking: Route = {
  method: 'POST',
  url: '/api/sessions',
  access: 'session.request',
  body: SessionRequest,
  sitesOf: (call) => siteOfCase(call, (call.body as SessionRequest).caseId),
  async handle(call) {
    const wanted = call.body as SessionRequest
    const [site] = (await siteOfCase(call, wanted.caseId)) ?? []
    if (site === undefined) throw new Fault('object.missing')
    return await call.services.sessions.request(call.actor, { ...wanted, site })
  },
}

const approving: Route = {
  method: 'POST',
  url: '/api/sessions/:id/approve',
  access: 'session.approve',
  sitesOf: siteOfSession,
  body: DecisionRequest,
  async handle(call) {
    const session = await call.services.sessions.get(idOf(call))
    if (session?.person.id === call.actor.id) {
      // The roles keep the two apart already; this holds also for a person whose role was changed in between.
      const reason = 'nobody approves a request of their own'
      const { actor, request, services } = call
      const denial = { actor: actor.login, route: approving, request, site: session.site, reason }
      await auditDenial(services, denial)
      throw new Fault('access.denied', { reason })
    }
    return await call.services.sessions.approve(call.actor, idOf(call), noteOf(call))
  },
}

const steering: readonly Route[] = [
  {
    method: 'POST',
    url: '/api/sessions/:id/refuse',
    access: 'session.approve',
    sitesOf: siteOfSession,
    body: DecisionRequest,
    handle: (call) => call.services.sessions.refuse(call.actor, idOf(call), noteOf(call)),
  },
  {
    method: 'POST',
    url: '/api/sessions/:id/open',
    access: 'session.open',
    sitesOf: siteOfSession,
    handle(call) {
      const { protocol, host } = call.request
      const where = { publicBase: `${protocol}://${host}` }
      return call.services.sessions.open(call.actor, idOf(call), where)
    },
  },
  {
    method: 'POST',
    url: '/api/sessions/:id/pause',
    access: 'session.end',
    sitesOf: siteOfSession,
    handle: (call) => call.services.sessions.pause(call.actor, idOf(call)),
  },
  {
    method: 'POST',
    url: '/api/sessions/:id/resume',
    access: 'session.end',
    sitesOf: siteOfSession,
    handle: (call) => call.services.sessions.resume(call.actor, idOf(call)),
  },
  {
    method: 'POST',
    url: '/api/sessions/:id/end',
    access: 'session.end',
    sitesOf: siteOfSession,
    body: EndRequest,
    async handle(call) {
      const { note } = call.body as Static<typeof EndRequest>
      const session = await call.services.sessions.get(idOf(call))
      // Whoever asked for it closes it; anybody else takes it away.
      const reason = session?.person.id === call.actor.id ? 'closed-by-user' : 'revoked'
      return await call.services.sessions.end(call.actor, idOf(call), reason, note)
    },
  },
]

export const sessionRoutes: readonly Route[] = [...reading, asking, approving, ...steering]
