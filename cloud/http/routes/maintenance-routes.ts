/** Planned maintenance: entered, seen, extended, ended early, cancelled. */
import type { Static } from 'typebox'
import {
  CancelMaintenanceRequest,
  ExtendRequest,
  type MaintenanceList,
  MaintenanceRequest,
} from '../../../protocol/api-maintenance.ts'
import { type Call, idOf, type Route, sitesOf } from '../route.ts'

/** The site of the window in the address. */
async function siteOfWindow(call: Call): Promise<readonly string[] | undefined> {
  const window = await call.services.maintenance.get(idOf(call))
  return window && [window.site]
}

/** The site it is entered for; an asset that is named must be there. */
async function siteOfRequest({ services, body }: Call): Promise<readonly string[] | undefined> {
  const { site, asset } = body as Static<typeof MaintenanceRequest>
  if (asset !== null && (await services.fleet.siteOf(asset)) !== site) return undefined
  return [site]
}

export const maintenanceRoutes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/maintenance',
    access: 'telemetry.read',
    handle({ services, actor, query }): Promise<MaintenanceList> {
      return services.maintenance.list({ sites: sitesOf(actor), asset: query.asset })
    },
  },
  {
    method: 'POST',
    url: '/api/maintenance',
    access: 'maintenance.plan',
    sitesOf: siteOfRequest,
    body: MaintenanceRequest,
    handle({ services, actor, body }) {
      return services.maintenance.enter(actor, body as Static<typeof MaintenanceRequest>)
    },
  },
  {
    method: 'POST',
    url: '/api/maintenance/:id/end',
    access: 'maintenance.plan',
    sitesOf: siteOfWindow,
    handle: (call) => call.services.maintenance.end(call.actor, idOf(call)),
  },
  {
    method: 'POST',
    url: '/api/maintenance/:id/extend',
    access: 'maintenance.plan',
    sitesOf: siteOfWindow,
    body: ExtendRequest,
    handle(call) {
      const { to } = call.body as Static<typeof ExtendRequest>
      return call.services.maintenance.extend(call.actor, idOf(call), to)
    },
  },
  {
    method: 'POST',
    url: '/api/maintenance/:id/cancel',
    access: 'maintenance.plan',
    sitesOf: siteOfWindow,
    body: CancelMaintenanceRequest,
    handle(call) {
      const { reason } = call.body as Static<typeof CancelMaintenanceRequest>
      return call.services.maintenance.cancel(call.actor, idOf(call), reason)
    },
  },
]
