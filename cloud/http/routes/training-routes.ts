/** Training on site: proposal, jobs, "this was normal". */
import { TrainRequest, WasNormalRequest } from '../../../protocol/api-models.ts'
import { type Call, idOf, instantOf, type Route, siteOfAsset } from '../route.ts'
import { siteOfAlarm } from './alarm-routes.ts'

async function siteOfJob(call: Call): Promise<readonly string[] | undefined> {
  const job = await call.services.models.training.get(idOf(call))
  const site = job && (await call.services.fleet.siteOf(job.asset))
  return site === undefined ? undefined : [site]
}

export const trainingRoutes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/assets/:id/training-proposal',
    access: 'telemetry.read',
    sitesOf: siteOfAsset,
    handle(call) {
      const span = { from: instantOf(call, 'from'), to: instantOf(call, 'to') }
      return call.services.models.training.propose(idOf(call), span)
    },
  },
  {
    method: 'POST',
    url: '/api/assets/:id/train',
    access: 'model.train',
    sitesOf: siteOfAsset,
    body: TrainRequest,
    handle(call) {
      const wanted = call.body as TrainRequest
      return call.services.models.training.train(call.actor, idOf(call), wanted)
    },
  },
  {
    method: 'GET',
    url: '/api/training-jobs/:id',
    access: 'telemetry.read',
    sitesOf: siteOfJob,
    handle: (call) => call.services.models.training.get(idOf(call)),
  },
  {
    method: 'POST',
    url: '/api/training-jobs/:id/cancel',
    access: 'model.train',
    sitesOf: siteOfJob,
    handle: (call) => call.services.models.training.cancel(call.actor, idOf(call)),
  },
  {
    method: 'POST',
    url: '/api/alarms/:id/was-normal',
    access: 'model.train',
    sitesOf: siteOfAlarm,
    body: WasNormalRequest,
    handle(call) {
      const { note } = call.body as WasNormalRequest
      return call.services.models.retraining.wasNormal(call.actor, idOf(call), note)
    },
  },
]
