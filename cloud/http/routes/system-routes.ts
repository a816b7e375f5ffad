/** Health, metrics, audit, live events, and the webhook of Grafana. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { AuditList } from '../../../protocol/api.ts'
import { Fault, isFault } from '../../../protocol/kit/fault.ts'
import type { Cookie } from '../cookie.ts'
import { auditDenial } from '../guard.ts'
import type { Live } from '../live.ts'
import { type Call, type Route, sitesOf } from '../route.ts'

const MAX_AUDIT = 1_000
const DEFAULT_AUDIT = 200
/** Grafana sends a whole group of alerts at once. */
const HOOK_BODY_BYTES = 1024 * 1024
const MAX_HOOK_ALERTS = 500

const Text = Type.String({ maxLength: 2_000 })
/** What we need of Grafana's webhook body (Alertmanager's format); the rest is let through unread. */
const GrafanaHook = Type.Object({
  alerts: Type.Array(
    Type.Object({
      status: Text,
      labels: Type.Record(Type.String(), Text),
      annotations: Type.Optional(Type.Record(Type.String(), Text)),
      fingerprint: Type.String({ minLength: 1, maxLength: 200 }),
      startsAt: Text,
    }),
    { maxItems: MAX_HOOK_ALERTS },
  ),
})
type GrafanaHook = Static<typeof GrafanaHook>

export interface SystemOptions {
  live: Live
  cookie: Cookie
  /** What Grafana must send; left out: no hook is taken. */
  hookToken?: string
  /** What a scraper must send; left out: metrics are for this machine only. */
  metricsToken?: string
}

export function systemRoutes(options: SystemOptions): Route[] {
  const metrics: Route = {
    method: 'GET',
    url: '/metrics',
    access: 'bearer',
    async handle(call) {
      const { request, services, reply } = call
      const isNear = /^(?:::ffff:)?127\.|^::1$/.test(request.ip)
      if (options.metricsToken === undefined ? !isNear : !hasBearer(call, options.metricsToken)) {
        return await deny(call, metrics)
      }
      reply.type(services.metrics.contentType)
      return await services.metrics.metrics()
    },
  }
  const hook: Route = {
    method: 'POST',
    url: '/api/hooks/grafana',
    access: 'bearer',
    body: GrafanaHook,
    bodyLimit: HOOK_BODY_BYTES,
    async handle(call) {
      if (!hasBearer(call, options.hookToken)) return await deny(call, hook)
      return await takeHook(call, call.body as GrafanaHook)
    },
  }
  return [health, metrics, hook, audit, eventsRoute(options)]
}

const health: Route = {
  method: 'GET',
  url: '/healthz',
  access: 'public',
  async handle({ services, reply }) {
    const { parts } = await services.health()
    const ok = Object.values(parts).every((state) => state === 'ok')
    reply.code(ok ? 200 : 503)
    return { ok, parts }
  },
}

const audit: Route = {
  method: 'GET',
  url: '/api/audit',
  access: 'audit.read',
  async handle({ services, actor, query }): Promise<AuditList> {
    const asked = Number(query.limit ?? DEFAULT_AUDIT)
    if (!Number.isInteger(asked) || asked < 1 || asked > MAX_AUDIT) {
      throw new Fault('request.invalid', { problem: `limit must be 1 to ${MAX_AUDIT}` })
    }
    const { intact } = await services.audit.check()
    return { intact, entries: await services.audit.list({ limit: asked, sites: sitesOf(actor) }) }
  },
}

function eventsRoute({ live, cookie }: SystemOptions): Route {
  return {
    method: 'GET',
    url: '/api/events',
    access: 'telemetry.read',
    async handle({ services, actor, request, reply, query }) {
      const token = cookie.read(request) ?? ''
      const isStillLoggedIn = async () => (await services.identity.personOf(token)) !== undefined
      live.join({ actor, asset: query.asset, reply, isStillLoggedIn })
      return reply
    },
  }
}

async function takeHook({ services }: Call, { alerts }: GrafanaHook) {
  const cases: string[] = []
  const ignored: { fingerprint: string; reason: string }[] = []
  const held: string[] = []
  for (const { status, labels, annotations, fingerprint: rule, startsAt } of alerts) {
    const { asset } = labels
    // One firing keeps its start; the next one of the same rule is new trouble.
    const fingerprint = `${rule}@${startsAt}`
    if (asset && status === 'resolved') await services.maintenance.drop({ asset, fingerprint })
    if (status !== 'firing' || !asset) {
      const reason = asset ? `status is ${status}` : 'it has no label "asset"'
      ignored.push({ fingerprint: rule, reason })
      continue
    }
    const title = annotations?.summary ?? labels.alertname ?? 'Grafana alert'
    try {
      const hook = { fingerprint, asset, title }
      if (await services.maintenance.hold(hook)) held.push(rule)
      else cases.push(await services.cases.fromHook(hook))
    } catch (error) {
      if (!isFault(error, 'object.missing')) throw error
      ignored.push({ fingerprint: rule, reason: `there is no asset "${asset}"` })
    }
  }
  return { cases, ignored, held }
}

async function deny(call: Call, route: Route): Promise<never> {
  const reason = 'a bearer token is needed'
  await auditDenial(call.services, { actor: 'nobody', route, request: call.request, reason })
  throw new Fault('access.denied', { reason })
}

/** Compared by their hashes, in the same time whatever they are. */
function hasBearer({ request }: Call, token: string | undefined): boolean {
  if (token === undefined) return false
  const given = request.headers.authorization ?? ''
  return timingSafeEqual(sha256(given), sha256(`Bearer ${token}`))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
