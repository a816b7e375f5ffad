/** Cases: opened, worked on, closed with a report. */
import type { Static } from 'typebox'
import {
  CaseTransitionRequest,
  CloseRequest,
  DismissRequest,
  OpenCaseRequest,
} from '../../../protocol/api.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import { type Call, idOf, type Route, sitesOf, stateOf } from '../route.ts'

/** The site of a case, without reading all that belongs to it. */
export async function siteOfCase(
  { services }: Call,
  id: string,
): Promise<readonly string[] | undefined> {
  const [found] = await services.cases.list({ state: 'all', id })
  return found && [found.site]
}

const sitesOfCase = (call: Call) => siteOfCase(call, idOf(call))

async function detailOf({ services }: Call, id: string) {
  const detail = await services.cases.get(id)
  if (!detail) throw new Fault('object.missing')
  return detail
}

const reading: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/cases',
    access: 'telemetry.read',
    async handle(call) {
      const query = { state: stateOf(call), sites: sitesOf(call.actor) }
      return { cases: await call.services.cases.list(query) }
    },
  },
  {
    method: 'GET',
    url: '/api/cases/:id',
    access: 'telemetry.read',
    sitesOf: sitesOfCase,
    handle: (call) => detailOf(call, idOf(call)),
  },
  {
    method: 'GET',
    url: '/api/cases/:id/report',
    access: 'telemetry.read',
    sitesOf: sitesOfCase,
    async handle(call) {
      const report = await call.services.cases.report(idOf(call))
      if (!report) throw new Fault('object.missing')
      return report
    },
  },
]

const working: readonly Route[] = [
  {
    method: 'POST',
    url: '/api/cases',
    access: 'case.work',
    body: OpenCaseRequest,
    async sitesOf({ services, body }) {
      const { asset } = body as Static<typeof OpenCaseRequest>
      const site = await services.fleet.siteOf(asset)
      return site === undefined ? undefined : [site]
    },
    async handle(call) {
      const wanted = call.body as Static<typeof OpenCaseRequest>
      return await detailOf(call, await call.services.cases.fromPerson(call.actor, wanted))
    },
  },
  {
    method: 'POST',
    url: '/api/cases/:id/transition',
    access: 'case.work',
    sitesOf: sitesOfCase,
    body: CaseTransitionRequest,
    async handle(call) {
      const wanted = call.body as Static<typeof CaseTransitionRequest>
      await call.services.cases.transition(call.actor, idOf(call), wanted)
      return await detailOf(call, idOf(call))
    },
  },
  {
    method: 'POST',
    url: '/api/cases/:id/close',
    access: 'case.close',
    sitesOf: sitesOfCase,
    body: CloseRequest,
    async handle(call) {
      await call.services.cases.close(call.actor, idOf(call), call.body as CloseRequest)
      return await detailOf(call, idOf(call))
    },
  },
  {
    method: 'POST',
    url: '/api/cases/:id/dismiss',
    access: 'case.close',
    sitesOf: sitesOfCase,
    body: DismissRequest,
    async handle(call) {
      const outcome = call.body as Static<typeof DismissRequest>
      await call.services.cases.dismiss(call.actor, idOf(call), outcome)
      return await detailOf(call, idOf(call))
    },
  },
]

export const caseRoutes: readonly Route[] = [...reading, ...working]
