/** A real session broker for tests: tunnel, store, audit, web HMI listener and a small machine to look at. */

import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { openAudit } from '../../cloud/audit/audit.ts'
import type { Actor, SessionsOptions } from '../../cloud/sessions/broker.ts'
import { openSessions, type Sessions } from '../../cloud/sessions/sessions.ts'
import { type HmiProxy, openHmiProxy } from '../../cloud/sessions/web/hmi-proxy.ts'
import { openStore, type Store } from '../../cloud/store/store.ts'
import type { PolicyTarget } from '../../edge/tunnel/policy.ts'
import type { SessionView } from '../../protocol/api.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { GATEWAY, openTunnelRig, SITE, type TunnelRig, target } from './tunnel-rig.ts'

export const CONSOLE = 'http://127.0.0.1:65000'
export const technician: Actor = {
  id: 'per_tech',
  login: 'tech',
  name: 'Tech',
  role: 'technician',
  sites: [SITE],
}
export const manager: Actor = {
  id: 'per_boss',
  login: 'boss',
  name: 'Boss',
  role: 'site-manager',
  sites: [SITE],
}
export const stranger: Actor = {
  id: 'per_far',
  login: 'far',
  name: 'Far',
  role: 'site-manager',
  sites: ['shop'],
}

export interface Answered {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

export interface SessionRig extends AsyncDisposable {
  tunnel: TunnelRig
  sessions: Sessions
  store: Store
  proxy: HmiProxy
  changes: string[]
  /** Everything the machine was asked, `METHOD path`. */
  asked: { line: string; headers: IncomingMessage['headers']; body: string }[]
  recordingsDir: string
  sessionsOptions: SessionsOptions
  request(changes?: object): Promise<SessionView>
  /** Requested, approved, opened and entered; the origin's host and the cookie. */
  enter(changes?: object): Promise<{ session: SessionView; host: string; cookie: string }>
  ask(options: Ask): Promise<Answered>
  auditLines(): Promise<string[]>
  lastAudit(): Promise<{ actor?: string; action?: string; detail: Record<string, unknown> }>
}

export interface Ask {
  host: string
  cookie?: string
  path?: string
  method?: string
  headers?: Record<string, string>
  body?: string
}

export interface SessionRigOptions {
  policy?: Partial<PolicyTarget>
  machine?: (request: IncomingMessage, response: ServerResponse) => void
  /** The port of a machine that is no HTTP server. */
  machinePort?: number
  openFile?: SessionsOptions['openFile']
  now?: () => number
  consentWaitMs?: number
  /** Its gateway tells nothing unasked. */
  isMute?: boolean
}

/** Starts everything; the machine answers every request with `hello from METHOD path` unless told otherwise. */
export async function openSessionRig(options: SessionRigOptions = {}): Promise<SessionRig> {
  const asked: SessionRig['asked'] = []
  const machine = createServer(async (request, response) => {
    const body = await text(request)
    asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body })
    if (options.machine) return options.machine(request, response)
    response.setHeader('content-type', 'text/plain')
    response.end(`hello from ${request.method} ${request.url?.split('?')[0]}`)
  })
  machine.listen(0, '127.0.0.1')
  await once(machine, 'listening')
  const port = options.machinePort ?? (machine.address() as { port: number }).port
  let lost: (site: string, gateway: string) => unknown = () => {}
  const tunnel = await openTunnelRig({
    targets: [target(port, { consent: 'request', ...options.policy })],
    consentWaitMs: options.consentWaitMs,
    isMute: options.isMute,
    onGateway: ({ site, gateway, online }) => online || lost(site, gateway),
    onNews: async (of, news) => {
      if (news.kind === 'session-ended') await sessions.endedAtSite(of, news)
    },
  })
  const store = await openStore({ file: ':memory:' })
  await fill(store, options.policy?.consent ?? 'request')
  const audit = await openAudit(store)
  const changes: string[] = []
  const recordingsDir = join(tunnel.dir, 'recordings')
  const sessionsOptions: SessionsOptions = {
    store,
    audit,
    hub: tunnel.hub,
    signer: tunnel.pki.grantSigner(),
    recordingsDir,
    now: options.now,
    openFile: options.openFile,
    onChange: ({ session, previous }) =>
      void changes.push(
        `${previous ?? '-'} > ${session.state}${session.endReason ? ` (${session.endReason})` : ''}`,
      ),
    log: createLog('rig'),
  }
  const sessions = await openSessions(sessionsOptions)
  lost = (site, gateway) => sessions.gatewayLost(site, gateway)
  const proxy = await openHmiProxy({
    host: '127.0.0.1',
    port: 0,
    access: sessions.viewers,
    consoleOrigins: [CONSOLE],
    log: createLog('rig'),
  })
  const request = (wish: object = {}) =>
    sessions.request(technician, {
      site: SITE,
      gateway: GATEWAY,
      target: 'press-hmi',
      caseId: 'cas_1',
      reason: 'the cooler fails',
      minutes: 30,
      rights: ['view', 'control'],
      ...wish,
    })
  const ask = (wish: Ask) => askProxy(proxy.port, wish)
  return {
    tunnel,
    sessions,
    store,
    proxy,
    changes,
    asked,
    recordingsDir,
    sessionsOptions,
    request,
    ask,
    async enter(wish) {
      const { id } = await request(wish)
      await sessions.approve(manager, id, 'go on')
      const { session, url } = await sessions.open(technician, id, proxy)
      const { host, pathname, search } = new URL(url)
      const entered = await ask({ host, path: pathname + search })
      const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
      return { session, host, cookie }
    },
    async lastAudit() {
      const [entry] = await audit.list({ limit: 1 })
      return { ...entry, detail: JSON.parse(entry?.detail ?? '{}') }
    },
    async auditLines() {
      const entries = await audit.list({ limit: 100 })
      return entries.reverse().map(({ actor, action, outcome }) => `${actor} ${action} ${outcome}`)
    },
    async [Symbol.asyncDispose]() {
      lost = () => {}
      await proxy[Symbol.asyncDispose]()
      await sessions[Symbol.asyncDispose]()
      machine.closeAllConnections()
      machine.close()
      await tunnel[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function askProxy(port: number, wish: Ask): Promise<Answered> {
  const { host, cookie, path = '/', method = 'GET', headers = {}, body } = wish
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: {
        host,
        ...(method === 'GET' ? {} : { origin: `http://${host}` }),
        ...(cookie && { cookie }),
        ...headers,
      },
      agent: false,
    })
    outgoing.on('error', reject)
    outgoing.on('response', async (response) =>
      text(response).then(
        (answer) =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer }),
        reject,
      ),
    )
    outgoing.end(body)
  })
}

async function fill({ db }: Store, consent: string): Promise<void> {
  await db.insertInto('tenants').values({ id: 'ten_1', name: 'T' }).execute()
  await db
    .insertInto('sites')
    .values({ id: SITE, tenant: 'ten_1', name: 'Plant', time_zone: 'Asia/Tokyo' })
    .execute()
  await db
    .insertInto('gateways')
    .values({
      site: SITE,
      id: GATEWAY,
      title: 'G',
      fingerprint: null,
      online: 1,
      since: null,
      software: null,
    })
    .execute()
  await db
    .insertInto('targets')
    .values({
      site: SITE,
      gateway: GATEWAY,
      id: 'press-hmi',
      kind: 'web',
      title: 'Press HMI',
      consent,
    })
    .execute()
  await db
    .insertInto('assets')
    .values({ id: 'press', site: SITE, name: 'Press', kind: 'press', model: null })
    .execute()
  await db
    .insertInto('cases')
    .values({
      id: 'cas_1',
      site: SITE,
      asset: 'press',
      title: 'Hot',
      previous_state: 'reported',
      state: 'reported',
      opened_at: 1,
      closed_at: null,
      source: '{}',
      verified_at: null,
      outcome: null,
      report: null,
    })
    .execute()
  for (const { id, name, role } of [technician, manager, stranger]) {
    await db
      .insertInto('persons')
      .values({ id, login: id, name, role, password_hash: '-', sites: '[]', disabled: 0 })
      .execute()
  }
}
