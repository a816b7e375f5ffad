/** A cloud of real parts on a free port, with two sites, a case on each and a person of every role. For tests only. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { Role } from '../../../protocol/api.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import { createLog } from '../../../protocol/kit/log.ts'
import { derivedTagId, type PersonId, quality, type TagId } from '../../../protocol/model.ts'
import { ratioRule } from '../../alarms/alarm-rule.ts'
import { openAlarms } from '../../alarms/alarms.ts'
import { openAudit } from '../../audit/audit.ts'
import { openCases } from '../../cases/cases.ts'
import { openFleet } from '../../fleet/fleet.ts'
import type { FleetConfig } from '../../fleet/fleet-config.ts'
import { openGatewayConfigs } from '../../gateway-config/gateway-config.ts'
import { openDuckdbHistorian } from '../../historian/duckdb.ts'
import { openIdentity } from '../../identity/logins.ts'
import { openRevocations } from '../../identity/revocations.ts'
import { type Maintenance, openMaintenance } from '../../maintenance/maintenance.ts'
import { openModels } from '../../open-models.ts'
import { openSessions } from '../../sessions/sessions.ts'
import { openStore } from '../../store/store.ts'
import { createWear } from '../../wear/wear.ts'
import { type HttpOptions, openHttp } from '../http.ts'
import type { Services } from '../services.ts'

export const PASSWORD = 'a long enough password'
/** login, role, sites */
const people: readonly [string, Role, string[]][] = [
  ['engineer', 'engineer', ['plant']],
  ['technician', 'technician', ['plant']],
  ['site-manager', 'site-manager', ['plant']],
  ['admin', 'admin', ['plant']],
  ['everywhere', 'admin', ['*']],
]

const asset = (site: string, id: string) => ({
  ...{ id, site, name: `${id} of ${site}`, kind: 'press', model: 'models/press' },
  tags: [`${site}/gw/plc/temp` as TagId],
  targets: [{ gateway: 'gw', target: 'hmi' }],
  ...{ recovery: { holdMs: 20_000 }, alarm: { severity: 700 } },
})

export const config: FleetConfig = {
  tenants: [{ id: 'ten_a', name: 'A' }],
  sites: [
    { id: 'plant', tenant: 'ten_a', name: 'Plant', timeZone: 'Asia/Tokyo' },
    { id: 'shop', tenant: 'ten_a', name: 'Shop', timeZone: 'Europe/Berlin' },
  ],
  gateways: [
    { site: 'plant', id: 'gw', title: 'Plant gateway' },
    { site: 'shop', id: 'gw', title: 'Shop gateway' },
  ],
  assets: [asset('plant', 'press'), asset('shop', 'till')],
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any body
  body: any
}

export interface CallOptions {
  method?: string
  as?: string
  body?: unknown
  headers?: Record<string, string>
  /** Sent instead of the JSON of `body`. */
  raw?: string
}

export type TestCloud = Awaited<ReturnType<typeof openTestCloud>>

export async function openTestCloud(
  options: Partial<Omit<HttpOptions, 'services' | 'log'>> & {
    health?: Services['health']
    /** PostgreSQL instead of a SQLite file. */
    storeUrl?: string
    /** Beside the usual two. */
    moreAssets?: FleetConfig['assets']
  } = {},
) {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'mimamori-http-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const log = createLog('test')
  log.level = 'silent'
  const store = stack.use(
    await openStore(
      options.storeUrl ? { url: options.storeUrl } : { file: join(folder, 'state.db') },
    ),
  )
  const audit = await openAudit(store)
  const historian = stack.use(await openDuckdbHistorian({ file: join(folder, 'samples.duckdb') }))
  const identity = await openIdentity({ store, audit })
  const maintenance: Maintenance = await openMaintenance({
    ...{ store, audit },
    onChange: async () => await alarms.reviewService(),
    onRelease: async (report) => void (await cases.fromHook(report)),
  })
  const { workOn } = maintenance
  const fleet = await openFleet({ store, audit, workOn, latest: (tags) => historian.latest(tags) })
  const assets = [...config.assets, ...(options.moreAssets ?? [])]
  await fleet.applyFleet({ ...config, assets })
  const rules = assets.map(({ id, site, alarm }) => ratioRule({ id, site, ...alarm }))
  const alarms = await openAlarms({
    ...{ store, audit, rules, workOn },
    // Other tests open their cases by hand.
    onChange: async ({ alarm, kind }) =>
      void (kind === 'in-service' && (await cases.fromAlarm(alarm))),
  })
  const sessions = stack.use(
    await openSessions({
      ...{ store, audit, log, recordingsDir: join(folder, 'recordings') },
      hub: {
        isUp: () => false,
        openStream: async () => {
          throw new Fault('internal', { what: 'no gateway takes part in this test' })
        },
        endSession: async () => undefined,
        askConsent: async () => {
          throw new Fault('internal', { what: 'no gateway takes part in this test' })
        },
      },
      signer: { sign: async () => 'no grant is signed in this test' },
      onChange: () => undefined,
    }),
  )
  const cases = await openCases({
    ...{ store, audit, onChange: () => undefined },
    facts: {
      alarmsOf: (caseId) => alarms.list({ state: 'all', caseId }),
      attachAlarm: (id, caseId) => alarms.attachCase(id, caseId),
      sessionsOf: async (id) =>
        (await sessions.list({ state: 'all', sites: ['*'] })).filter((row) => row.caseId === id),
      recordingOf: async () => undefined,
      summaryOf: async () => null,
      normalOf: () => null,
      recoveryHoldMs: () => 20_000,
    },
  })
  const persons: Record<string, PersonId> = {}
  await Promise.all(
    people.map(async ([login, role, sites]) => {
      persons[login] = await identity.createPerson({
        login,
        name: login,
        role,
        sites,
        password: PASSWORD,
      })
    }),
  )
  const wear = createWear({
    store,
    audit,
    history: historian,
    parts: [],
    onDue: async () => undefined,
  })
  const gatewayConfigs = stack.use(
    openGatewayConfigs({
      ...{ store, audit, log, isUp: () => false, onChange: () => undefined },
      carry: async (of) => {
        throw new Fault('tunnel.down', { ...of })
      },
      onDevices: async () => undefined,
    }),
  )
  const models = stack.use(
    await openModels({
      ...{ store, audit, historian, log, dataDir: folder, baseDir: folder },
      // No configured folder is read: these models are registered by the test.
      assets: assets.map(({ model: _, ...one }) => one),
      ...{ onWatched: async () => undefined, onDue: async () => undefined },
      onChange: () => undefined,
    }),
  )
  const metrics = new Registry()
  const services: Services = {
    ...{ identity, audit, fleet, alarms, cases, sessions, historian, metrics },
    ...{ gatewayConfigs, maintenance, models },
    revocations: await openRevocations({ store, audit }),
    async lifeOf(asset) {
      const now = Date.now()
      return [...(await models.lifeOf(asset, now)), ...(await wear.itemsOf(asset, now))]
    },
    judgePart: (actor, wanted) => wear.judge(actor, wanted),
    health: options.health ?? (async () => ({ parts: { store: 'ok' } })),
  }
  const http = stack.use(await openHttp({ host: '127.0.0.1', port: 0, services, log, ...options }))
  const cookies = new Map<string, string>()

  async function call(path: string, wanted: CallOptions = {}): Promise<Answer> {
    const { method = wanted.body === undefined && wanted.raw === undefined ? 'GET' : 'POST', as } =
      wanted
    const cookie = as ? await cookieOf(as) : undefined
    const headers: Record<string, string> = {
      ...(cookie && { cookie }),
      ...(method !== 'GET' && { origin: http.url, 'content-type': 'application/json' }),
      ...wanted.headers,
    }
    const text = wanted.raw ?? (wanted.body === undefined ? undefined : JSON.stringify(wanted.body))
    return await send(http.port, { path, method, headers, text })
  }

  async function cookieOf(login: string): Promise<string> {
    const known = cookies.get(login)
    if (known) return known
    const answer = await call('/api/login', { body: { login, password: PASSWORD } })
    const [cookie = ''] = [answer.headers['set-cookie']].flat()
    const pair = cookie.split(';')[0] ?? ''
    cookies.set(login, pair)
    return pair
  }

  /** Raises the asset's alarm by real samples and opens its case. */
  async function trouble(id: string): Promise<{ alarm: string; case: string }> {
    const { site } = config.assets.find((one) => one.id === id) ?? { site: '' }
    const tag = derivedTagId(site, id, 'Ratio')
    const at = Date.now() - 6_000
    const samples = [0, 6_000].map((later) => {
      return { tag, at: at + later, value: 3, quality: quality.good }
    })
    await alarms.accept(samples)
    const [alarm] = await alarms.list({ state: 'open', sites: [site] })
    if (!alarm) throw new Fault('internal', { what: 'no alarm was raised' })
    return { alarm: alarm.id, case: (await cases.fromAlarm(alarm)) ?? '' }
  }

  /** A version in shadow; its manifest is never read here. */
  async function registerModel(id: string, site: string): Promise<string> {
    const facts = { trainedRows: 900, periodMs: 1000, threshold: 2, tags: ['temp'], metrics: {} }
    const version = await models.registry.register({
      ...{ asset: id, site, name: id, kind: 'multivariate', source: 'trained', stage: 'shadow' },
      ...{ periods: [], createdBy: 'engineer', facts: { ...facts, dataHash: null } },
      files: { 'model.onnx': new Uint8Array([1]), 'manifest.json': new Uint8Array([2]) },
    })
    return version.id
  }

  const born = { name: 'temp', type: 'Double', unit: '°C' } as const
  const target = { id: 'hmi', kind: 'web', title: 'HMI', consent: 'request' } as const
  for (const site of ['plant', 'shop']) {
    const tags = [{ ...born, id: `${site}/gw/plc/temp` as TagId }]
    await fleet.onNode({
      ...{ kind: 'birth', site, gateway: 'gw', device: 'plc', tags, at: Date.now() },
      targets: [target],
    })
  }
  return {
    ...{
      http,
      services,
      models,
      store,
      historian,
      call,
      trouble,
      registerModel,
      cookieOf,
      persons,
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A bare request: `fetch` would not let us set Host and Origin as we like. */
async function send(
  port: number,
  wanted: { path: string; method: string; headers: Record<string, string>; text?: string },
): Promise<Answer> {
  const { path, method, headers, text } = wanted
  return await new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const all = Buffer.concat(chunks).toString()
        const isJson = /json/.test(response.headers['content-type'] ?? '')
        const body = isJson && all ? JSON.parse(all) : undefined
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: all, body })
      })
    })
    request.on('error', reject)
    request.end(text)
  })
}
