/** Why an alarm came, where levels changed, and the training of known failures. */
import { type LevelChanges, TrainFailuresRequest } from '../../../protocol/api-explanation.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { TagId } from '../../../protocol/model.ts'
import { type Call, idOf, instantOf, type Route, siteOfAsset, sitesOf, tagsOf } from '../route.ts'
import { siteOfAlarm } from './alarm-routes.ts'

/** Longer than any history that is kept. */
const MAX_SPAN_MS = 400 * 86_400_000

export const explanationRoutes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/alarms/:id/explanation',
    access: 'telemetry.read',
    sitesOf: siteOfAlarm,
    handle: (call) =>
      call.services.models.failures.explain(idOf(call), { sites: sitesOf(call.actor) }),
  },
  {
    method: 'GET',
    url: '/api/assets/:id/changes',
    access: 'telemetry.read',
    sitesOf: siteOfAsset,
    handle: readChanges,
  },
  {
    method: 'GET',
    url: '/api/assets/:id/failures',
    access: 'telemetry.read',
    sitesOf: siteOfAsset,
    handle: (call) => call.services.models.failures.readiness(idOf(call)),
  },
  {
    method: 'POST',
    url: '/api/assets/:id/train-failures',
    access: 'model.train',
    sitesOf: siteOfAsset,
    body: TrainFailuresRequest,
    handle(call) {
      const wanted = call.body as TrainFailuresRequest
      return call.services.models.training.trainFailures(call.actor, idOf(call), wanted)
    },
  },
]

/** Of tags of the asset only: its site is what the person was let in for. */
async function readChanges(call: Call): Promise<LevelChanges> {
  const { services } = call
  const to = instantOf(call, 'to') ?? Date.now()
  const from = instantOf(call, 'from') ?? 0
  if (to <= from || to - from > MAX_SPAN_MS)
    throw new Fault('request.invalid', { problem: 'to must be after from, by 400 days at most' })
  const asset = await services.fleet.asset(idOf(call))
  const own = new Set<string>(asset?.tags.map(({ id }) => id))
  const tags = tagsOf(call)
  const foreign = tags.find((tag) => !own.has(tag))
  if (foreign !== undefined)
    throw new Fault('request.invalid', { problem: `${foreign} is no tag of this asset` })
  return { changes: await services.models.failures.changes(tags as TagId[], { from, to }) }
}
