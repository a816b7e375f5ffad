/** The cloud: wires broker, ingest, historian, models, alarms, cases, sessions and the API; nothing else knows them all. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createLog } from '../protocol/kit/log.ts'
import { repeatUntilDisposed, untilAborted } from '../protocol/kit/loop.ts'
import { namePort } from '../protocol/kit/name-port.ts'
import { allRules } from './alarm-rules.ts'
import { openAlarms } from './alarms/alarms.ts'
import { openAudit } from './audit/audit.ts'
import { createFacts } from './case-facts.ts'
import { sessionEventOf } from './cases/case.ts'
import { type Cases, openCases } from './cases/cases.ts'
import { type CloudConfig, loadCloudConfig } from './config.ts'
import { openFleet } from './fleet/fleet.ts'
import { createFlow } from './flow.ts'
import { openHttp } from './http/http.ts'
import { openIdentity } from './identity/logins.ts'
import { openPki } from './identity/pki.ts'
import { openIngest } from './ingest/ingest.ts'
import { describeGateways, openConfiguredRevocations } from './known-gateways.ts'
import { openMissedCases } from './missed-cases.ts'
import { describeModel, holeMsOf } from './models-of.ts'
import { openConfiguredBroker } from './open-broker.ts'
import { openConfiguredModels } from './open-configured-models.ts'
import { openConfiguredGatewayConfigs } from './open-gateway-configs.ts'
import { openHistorian } from './open-historian.ts'
import { openConfiguredMaintenance } from './open-maintenance.ts'
import { ensureDataDir, openConfiguredStore } from './open-store.ts'
import { openConfiguredTunnel } from './open-tunnel.ts'
import { openWear } from './open-wear.ts'
import type { Parts } from './parts.ts'
import { createServices } from './services-of.ts'
import { openSessions } from './sessions/sessions.ts'
import { openHmiProxy } from './sessions/web/hmi-proxy.ts'

/** How often models, shelvings and session windows are looked at. */
const SCORE_MS = 250
const TICK_MS = 1000
const DIAGNOSE_MS = 5000
const RETENTION_MS = 3_600_000
const MISSED_MS = 60_000
const CONSOLE_DIR = resolve(import.meta.dirname, 'console', 'dist')

export interface Cloud extends AsyncDisposable {
  readonly url: string
  readonly parts: Parts
}

/** `mimamori cloud run`: until the signal aborts. Prints one JSON line when everything is open. */
export async function runCloud(file: string, signal: AbortSignal): Promise<void> {
  await using cloud = await openCloud(await loadCloudConfig(file))
  console.log(JSON.stringify({ ready: true, name: 'cloud', url: cloud.url }))
  await untilAborted(signal)
}

/** Opens all of it; disposing it stops the ingest first and closes the stores last. */
export async function openCloud(config: CloudConfig): Promise<Cloud> {
  const parts = { config, dataDir: await ensureDataDir(config), log: createLog('cloud') } as Parts
  await using stack = new AsyncDisposableStack()
  await openState(parts, stack)
  await openDomains(parts, stack)
  await openAccess(parts, stack)
  await openSources(parts, stack)
  parts.log.info({ url: parts.http.url }, 'cloud open')
  const running = stack.move()
  return {
    url: parts.http.url,
    parts,
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  }
}

/** Where things are kept. */
async function openState(parts: Parts, stack: AsyncDisposableStack): Promise<void> {
  const { config, dataDir, log } = parts
  parts.pki = await openPki(join(dataDir, 'pki'), { gatewayDays: config.tunnel.certificateDays })
  parts.store = stack.use(await openConfiguredStore(config))
  parts.audit = await openAudit(parts.store)
  parts.historian = stack.use(await openHistorian(config.historian, dataDir, log))
  parts.revocations = await openConfiguredRevocations(parts)
  parts.identity = await openIdentity({ store: parts.store, audit: parts.audit })
}

/** Fleet, models, alarms, cases: they meet here only. */
async function openDomains(parts: Parts, stack: AsyncDisposableStack): Promise<void> {
  const { config, store, audit, historian, log } = parts
  parts.maintenance = await openConfiguredMaintenance(parts)
  const { workOn } = parts.maintenance
  parts.models = stack.use(await openConfiguredModels(parts))
  parts.scoring = parts.models.scoring
  const siteOf = new Map(config.fleet.assets.map(({ id, site }) => [id, site]))
  parts.fleet = await openFleet({
    store,
    audit,
    latest: (tags) => historian.latest(tags),
    modelOf: (id) => describeModel(parts.scoring, { id, site: siteOf.get(id) ?? '' }, parts.flow),
    unknownWhy: (id) => parts.flow?.latestScore(id)?.reason,
    freshMs: (id) => holeMsOf(parts.scored, id),
    workOn,
    ...describeGateways(parts),
    onChange: (site) => changed(parts, 'fleet', null, site),
  })
  await parts.fleet.applyFleet(config.fleet)
  await parts.fleet.forgetPresence()
  parts.cases = await openCases({
    store,
    audit,
    facts: createFacts(parts),
    async onChange({ case: one, kind }) {
      if (kind === 'closed' || kind === 'dismissed') await parts.models.feedback.learn(one.id)
      changed(parts, 'cases', one.id, one.site)
    },
  })
  parts.alarms = await openAlarms({
    store,
    audit,
    rules: allRules(parts),
    workOn,
    async onChange({ alarm, kind, opensCase }) {
      log.info({ asset: alarm.asset, alarm: alarm.id, state: alarm.state }, `alarm ${kind}`)
      const isNews = ['raised', 'unshelved', 'in-service'].includes(kind)
      if (isNews && opensCase) await parts.cases.fromAlarm(alarm)
      changed(parts, 'alarms', alarm.id, alarm.site)
    },
  })
  const show: Parameters<typeof createFlow>[0]['show'] = (samples, of) =>
    parts.http?.live.samples({ kind: 'samples', samples }, of)
  parts.flow = createFlow({ ...parts, show })
  openWear(parts, stack)
}

/** The tunnel, the sessions in it, the machines' own pages, and the API. */
async function openAccess(parts: Parts, stack: AsyncDisposableStack): Promise<void> {
  const { config, store, audit, pki, log } = parts
  parts.hub = stack.use(
    await namePort(
      openConfiguredTunnel(parts, {
        onCertificate: (site) => changed(parts, 'fleet', null, site),
        async onGateway({ site, gateway, online }) {
          changed(parts, 'fleet', null, site)
          if (online) askConfig(parts, { site, gateway })
          if (!online) await parts.sessions?.gatewayLost(site, gateway)
        },
      }),
      'tunnel.port in the configuration',
    ),
  )
  parts.gatewayConfigs = stack.use(
    openConfiguredGatewayConfigs(parts, (site, gateway) =>
      changed(parts, 'gateway-config', gateway, site),
    ),
  )
  parts.sessions = stack.use(
    await openSessions({
      store,
      audit,
      hub: parts.hub,
      signer: pki.grantSigner(),
      recordingsDir: join(parts.dataDir, 'recordings'),
      async onChange(change) {
        await parts.cases.noteSession(sessionEventOf(change, Date.now()))
        changed(parts, 'sessions', change.session.id, change.session.site)
      },
      log,
    }),
  )
  const { host, port, publicUrl } = config.http
  const own = ['127.0.0.1', 'localhost'].map((name) => `http://${name}:${port}`)
  parts.hmi = stack.use(
    await namePort(
      openHmiProxy({
        host: config.hmi.host,
        port: config.hmi.port,
        access: parts.sessions.viewers,
        consoleOrigins: publicUrl ? [new URL(publicUrl).origin] : own,
        publicBase: config.hmi.publicUrl,
        log,
      }),
      'hmi.port in the configuration',
    ),
  )
  const hmiBase = new URL(parts.hmi.publicBase)
  parts.http = stack.use(
    await namePort(
      openHttp({
        host,
        port,
        services: createServices(parts),
        log,
        consoleDir: existsSync(CONSOLE_DIR) ? CONSOLE_DIR : undefined,
        hmiOrigins: [`${hmiBase.protocol}//*.${hmiBase.host}`],
        hookToken: process.env[config.hooks.grafanaTokenEnv ?? ''],
        trustedProxies: config.http.trustedProxies,
      }),
      'http.port in the configuration',
    ),
  )
}

/** The broker and what comes through it; last to open, first to close. */
async function openSources(parts: Parts, stack: AsyncDisposableStack): Promise<void> {
  const { config, log, flow } = parts
  const onError = (error: unknown): void => log.error({ err: error }, 'a regular task failed')
  const every = (everyMs: number, work: () => Promise<unknown>): void => {
    stack.use(repeatUntilDisposed(async () => void (await work()), { everyMs, onError }))
  }
  every(SCORE_MS, () => flow.score(Date.now()))
  every(TICK_MS, () => parts.maintenance.tick(Date.now()))
  every(TICK_MS, () => parts.alarms.tick(Date.now()))
  every(MISSED_MS, () => {
    const asking = new Set(allRules(parts).flatMap(({ id, opensCase }) => (opensCase ? id : [])))
    return openMissedCases({ ...parts, opensCase: (rule) => asking.has(rule) }, Date.now())
  })
  every(TICK_MS, () => parts.sessions.tick(Date.now()))
  const note: Cases['noteFinding'] = (id, finding) => parts.cases.noteFinding(id, finding)
  every(DIAGNOSE_MS, () => parts.models.failures.tick(Date.now(), note))
  const policy = { maxAgeMs: config.retention.maxAgeDays * 86_400_000 }
  every(RETENTION_MS, () => parts.historian.retain(policy, Date.now()))
  every(RETENTION_MS, () => parts.models.registry.retain(config.retention.models))
  every(RETENTION_MS, () => parts.models.training.retain(config.retention.models.keepJobs))
  every(RETENTION_MS, () => parts.gatewayConfigs.retain(config.retention.gatewayConfigs))
  parts.broker = stack.use(
    await namePort(openConfiguredBroker(parts), 'broker.port in the configuration'),
  )
  parts.ingest = stack.use(
    openIngest({
      connect: (options) => parts.broker.connect(options),
      hostId: config.hostId,
      commit: (batch) => flow.commit(batch),
      onNode: (event) => void parts.fleet.onNode(event).catch(onError),
      log,
    }),
  )
}

/** What it runs with is asked once its tunnel is up; a gateway that knows no such question goes on without. */
function askConfig({ gatewayConfigs, log }: Parts, of: { site: string; gateway: string }): void {
  const onError = (error: unknown) =>
    log.info({ ...of, error: String(error) }, 'configuration not told')
  void gatewayConfigs?.gatewayUp(of).catch(onError)
}

function changed(
  parts: Parts,
  what: 'fleet' | 'alarms' | 'cases' | 'sessions' | 'gateway-config',
  id: string | null,
  site: string | null,
): void {
  parts.http?.live.changed({ kind: 'changed', what, id }, site)
}
