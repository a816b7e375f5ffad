/** Alarms: seen, acknowledged, shelved. */
import type { Static } from 'typebox'
import { AcknowledgeRequest, ShelveRequest } from '../../../protocol/api.ts'
import { type Call, idOf, type Route, sitesOf, stateOf } from '../route.ts'

/** The site of the alarm in the address. */
export async function siteOfAlarm(call: Call): Promise<readonly string[] | undefined> {
  const alarm = await call.services.alarms.get(idOf(call))
  return alarm && [alarm.site]
}

export const alarmRoutes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/alarms',
    access: 'telemetry.read',
    async handle(call) {
      const query = { state: stateOf(call), sites: sitesOf(call.actor) }
      return { alarms: await call.services.alarms.list(query) }
    },
  },
  {
    method: 'POST',
    url: '/api/alarms/:id/acknowledge',
    access: 'alarm.acknowledge',
    sitesOf: siteOfAlarm,
    body: AcknowledgeRequest,
    handle(call) {
      const { comment } = call.body as Static<typeof AcknowledgeRequest>
      return call.services.alarms.acknowledge(call.actor, idOf(call), comment)
    },
  },
  {
    method: 'POST',
    url: '/api/alarms/:id/shelve',
    access: 'alarm.shelve',
    sitesOf: siteOfAlarm,
    body: ShelveRequest,
    handle(call) {
      const how = call.body as Static<typeof ShelveRequest>
      return call.services.alarms.shelve(call.actor, idOf(call), how)
    },
  },
  {
    method: 'POST',
    url: '/api/alarms/:id/unshelve',
    access: 'alarm.shelve',
    sitesOf: siteOfAlarm,
    handle: (call) => call.services.alarms.unshelve(call.actor, idOf(call)),
  },
]
