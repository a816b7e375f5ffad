/** What the API is given of the running cloud: its services, their health, their counters. */
import type { openHttp } from './http/http.ts'
import { createCloudMetrics } from './metrics.ts'
import type { Parts } from './parts.ts'

export function createServices(parts: Parts): Parameters<typeof openHttp>[0]['services'] {
  const { identity, audit, fleet, alarms, cases, historian, sessions } = parts
  return {
    ...{ identity, audit, fleet, alarms, cases, historian },
    sessions: {
      ...sessions,
      open: (actor, id) => sessions.open(actor, id, { publicBase: parts.hmi.publicBase }),
      list: ({ state, sites }) =>
        sessions.list({ state, sites: sites ?? parts.config.fleet.sites.map(({ id }) => id) }),
    },
    gatewayConfigs: parts.gatewayConfigs,
    revocations: parts.revocations,
    maintenance: parts.maintenance,
    models: parts.models,
    async lifeOf(asset) {
      const now = Date.now()
      return [...(await parts.models.lifeOf(asset, now)), ...(await parts.wear.itemsOf(asset, now))]
    },
    judgePart: (actor, wanted) => parts.wear.judge(actor, wanted),
    health: () => checkHealth(parts),
    metrics: createCloudMetrics({
      ingest: () => parts.ingest.counters(),
      gateways: () => parts.broker.clients(),
      console: () => parts.http.live.clients(),
      quarantined: () => parts.flow.counters().quarantined,
      scoredWindows() {
        const { scored, unknown } = parts.flow.counters()
        return { scored, unknown }
      },
      inferenceSeconds: () => parts.flow.counters().inferenceSeconds,
    }),
  }
}

/** Asks each part just now. */
async function checkHealth(parts: Parts): Promise<{ parts: Record<string, string> }> {
  const ask = async (work: Promise<unknown>): Promise<string> => {
    try {
      await work
      return 'ok'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  return {
    parts: {
      store: await ask(parts.store.db.selectFrom('settings').select('key').limit(1).execute()),
      historian: await ask(parts.historian.latest([])),
      broker: parts.ingest?.connected() ? 'ok' : 'not connected',
    },
  }
}
