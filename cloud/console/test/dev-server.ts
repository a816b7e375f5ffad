/** TEST fixture: the API in memory, every answer checked against protocol/api.ts, with the console and a machine's HMI on two origins. */
import cookie from '@fastify/cookie'
import serveFiles from '@fastify/static'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import * as api from '../../../protocol/api.ts'
import { RevokeGatewayRequest } from '../../../protocol/api-gateway-config.ts'
import { addConfigs } from './config-routes.ts'
import { body, checked, person, Refused } from './contract.ts'
import { finishStory } from './finished.ts'
import {
  addMaintenance,
  createMaintenanceStory,
  type MaintenanceStory,
} from './maintenance-routes.ts'
import { addModels } from './model-routes.ts'
import { createModelStory } from './model-story.ts'
import { password, people } from './people.ts'
import { asset, rangeOf, samplesOf } from './plant.ts'
import { createStory, type Story } from './story.ts'
import { assetOf, fleetOf } from './views.ts'

function addLogin(app: FastifyInstance) {
  app.post('/api/login', (request, reply) => {
    const wish = body(api.LoginRequest, request)
    const found = people.find(({ login }) => login === wish.login)
    if (!found || wish.password !== password)
      throw new Refused(401, 'The login or the password is wrong.')
    void reply.setCookie('login', found.login, { path: '/', httpOnly: true, sameSite: 'strict' })
    return checked(api.Me, found)
  })
  app.post('/api/logout', (_, reply) => reply.clearCookie('login', { path: '/' }).send({}))
  app.get('/api/me', (request) => checked(api.Me, person(request)))
}

function addReading(app: FastifyInstance, story: Story, maintenance: MaintenanceStory) {
  const detail = () => story.detail(Date.now())
  const press = () => {
    const open = detail()
    const work = maintenance.mark()
    const active = story.alarm.state.startsWith('active') ? 1 : 0
    const shown = assetOf(story.plant, Date.now(), open.closedAt ? null : open.id, active)
    return work ? { ...shown, maintenance: work } : shown
  }
  const onlyOpen = (request: FastifyRequest) => Object(request.query).state === 'open'
  let revokedAt: number | undefined
  app.post('/api/gateways/:site/:gateway/revoke', (request) => {
    person(request, 'gateway.revoke')
    body(RevokeGatewayRequest, request)
    revokedAt = Date.now()
    return {}
  })
  app.get('/api/fleet', () => {
    const fleet = fleetOf(story.plant, Date.now(), press())
    const [gateway] = fleet.sites[0]?.gateways ?? []
    if (gateway && revokedAt !== undefined)
      Object.assign(gateway, { revokedAt, online: false, tunnel: false })
    return checked(api.Fleet, fleet)
  })
  app.get<{ Params: { id: string } }>('/api/assets/:id', ({ params }) => {
    if (params.id !== asset) throw new Refused(404, `There is no asset ${params.id}.`)
    return checked(api.AssetDetail, press())
  })
  app.get<{ Querystring: Record<string, string | string[]> }>('/api/range', ({ query }) =>
    checked(
      api.RangeResponse,
      rangeOf(story.plant, {
        tag: [query.tag ?? []].flat(),
        from: Number(query.from),
        to: Number(query.to),
        points: Number(query.points),
      }),
    ),
  )
  app.get('/api/alarms', (request) => {
    detail()
    return checked(api.AlarmList, {
      alarms: onlyOpen(request) && story.alarm.state === 'normal' ? [] : [story.alarm],
    })
  })
  app.get('/api/cases', (request) =>
    checked(api.CaseList, { cases: onlyOpen(request) && detail().closedAt ? [] : [detail()] }),
  )
  app.get('/api/cases/:id', () => checked(api.CaseDetail, detail()))
  app.get('/api/cases/:id/report', () => checked(api.CaseReport, detail().report))
  app.get('/api/sessions', (request) =>
    checked(api.SessionList, {
      sessions: story.sessions().filter(({ endedAt }) => !onlyOpen(request) || endedAt === null),
    }),
  )
  app.get<{ Params: { id: string } }>('/api/sessions/:id/recording', ({ params }) =>
    checked(api.RecordingView, {
      session: story.find(params.id),
      sha256: 'c0ffee'.repeat(10).padEnd(64, '0'),
      intact: true,
      exchanges: story.exchanges,
      events: detail().events.filter(({ kind }) => kind.startsWith('session')),
    }),
  )
  app.get('/api/audit', () => checked(api.AuditList, { intact: true, entries: story.audit }))
}

function addChanging(app: FastifyInstance, story: Story, hmi: () => string) {
  app.post('/api/alarms/:id/acknowledge', (request) => story.acknowledge(person(request)))
  app.post('/api/alarms/:id/shelve', (request) => {
    const { minutes } = body(api.ShelveRequest, request)
    Object.assign(story.alarm, {
      shelving: 'TimedShelved',
      shelvedUntil: Date.now() + minutes * 60_000,
    })
    return {}
  })
  app.post('/api/alarms/:id/unshelve', (request) => {
    person(request, 'alarm.shelve')
    Object.assign(story.alarm, { shelving: 'Unshelved', shelvedUntil: null })
    return {}
  })
  app.post('/api/cases/:id/transition', (request) => {
    story.moveCase(body(api.CaseTransitionRequest, request).action)
    return {}
  })
  app.post('/api/cases/:id/close', (request) => {
    story.close(person(request), body(api.CloseRequest, request))
    return {}
  })
  app.post('/api/sessions', (request) =>
    checked(api.SessionView, story.request(person(request), body(api.SessionRequest, request))),
  )
  app.post<{ Params: { id: string } }>('/api/sessions/:id/open', (request) => {
    const session = story.moveSession(person(request), request.params.id, 'open')
    return checked(api.OpenedSession, { session, url: hmi() })
  })
  for (const action of ['approve', 'refuse', 'pause', 'resume', 'end'] as const) {
    app.post<{ Params: { id: string } }>(`/api/sessions/:id/${action}`, (request) => {
      const { note } = body(api.DecisionRequest, request)
      return story.moveSession(person(request), request.params.id, action, note)
    })
  }
}

function addEvents(app: FastifyInstance, story: Story) {
  const listeners = new Set<() => void>()
  app.get<{ Querystring: { asset?: string } }>('/api/events', ({ query }, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const send = (event: api.LiveEvent) => reply.raw.write(`data: ${JSON.stringify(event)}\n\n`)
    const timer = setInterval(() => {
      if (query.asset === asset)
        send({ kind: 'samples', samples: samplesOf(story.plant, Date.now()) })
    }, 1_000)
    const tell = () => {
      send({ kind: 'changed', what: 'cases', id: null })
      send({ kind: 'changed', what: 'models', id: null })
    }
    listeners.add(tell)
    reply.raw.on('close', () => {
      clearInterval(timer)
      listeners.delete(tell)
    })
  })
  // As the real cloud does: who changes something is heard at once.
  app.addHook('onResponse', async ({ method }) => {
    if (method === 'POST') for (const tell of listeners) tell()
  })
}

const hmiPage = `<!doctype html><html lang="en"><title>Press HMI</title><h1>Press HMI</h1>
<button onclick="fetch('/cooler',{method:'POST'}).then(()=>{document.querySelector('p').textContent='Spare cooler is running'})">Switch to spare cooler</button><p>Main cooler is running</p></html>`

function createHmi(story: Story): FastifyInstance {
  const app = fastify({ forceCloseConnections: true })
  app.get('/', (_, reply) => reply.type('text/html').send(hmiPage))
  app.post('/cooler', (_, reply) => {
    story.press('田中 一郎')
    return reply.code(204).send()
  })
  return app
}

interface DevServerOptions {
  port?: number
  /** The case has been worked on and closed before anybody looks. */
  finished?: boolean
}

/** Serves the built console from `dist` on a free port; disposing it closes both servers. */
export async function openDevServer(dist: string, options: DevServerOptions = {}) {
  const { port = 0, finished = false } = options
  const story = createStory(Date.now())
  if (finished) finishStory(story, Date.now())
  const hmi = createHmi(story)
  const hmiUrl = await hmi.listen({ host: '127.0.0.1', port: 0 })
  const app = fastify({ forceCloseConnections: true })
  await app.register(cookie)
  app.addHook('onRequest', async (request, reply) => {
    void reply.header(
      'content-security-policy',
      `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src ${hmiUrl}; object-src 'none'; base-uri 'none'`,
    )
    if (request.url.startsWith('/api/') && request.url !== '/api/login') person(request)
  })
  app.setErrorHandler((error, _, reply) => {
    const status = error instanceof Refused ? error.status : 500
    const detail = error instanceof Error ? error.message : String(error)
    return reply
      .code(status)
      .type('application/problem+json')
      .send({
        type: `urn:mimamori:fault:${status}`,
        title: detail,
        status,
        detail,
        code: `fixture.${status}`,
      })
  })
  addLogin(app)
  const maintenance = createMaintenanceStory(Date.now(), story)
  addReading(app, story, maintenance)
  addChanging(app, story, () => hmiUrl)
  addModels(app, story, createModelStory(Date.now()))
  addConfigs(app)
  addMaintenance(app, maintenance)
  addEvents(app, story)
  await app.register(serveFiles, { root: dist })
  app.setNotFoundHandler((request, reply) => {
    if (request.url.startsWith('/api/')) throw new Refused(404, 'There is no such route.')
    return reply.sendFile('index.html')
  })
  const url = await app.listen({ host: '127.0.0.1', port })
  return {
    url,
    async [Symbol.asyncDispose]() {
      await Promise.all([app.close(), hmi.close()])
    },
  }
}
