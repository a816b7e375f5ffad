/** Models: the versions of an asset, their stages, thresholds and the scoreboard. */
import {
  type AssetModels,
  type BackTest,
  type ModelDetail,
  RetrainingRequest,
  type Scoreboard,
  StageRequest,
  ThresholdRequest,
  UploadRequest,
} from '../../../protocol/api-models.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { ModelVersion } from '../../registry/version.ts'
import { type Call, idOf, type Route, siteOfAsset, sitesOf } from '../route.ts'

/** The file in base 64, its manifest, and room for the rest. */
const UPLOAD_BODY_BYTES = 49 * 1024 * 1024
/** A dry run and a calibration are work: nobody uploads by the dozen. */
const UPLOADS_PER_MINUTE = 30

async function siteOfModel(call: Call): Promise<readonly string[] | undefined> {
  const version = await call.services.models.registry.get(idOf(call))
  return version && [version.site]
}

async function viewOf({ services }: Call, version: ModelVersion) {
  return await services.models.registry.view(version)
}

const reading: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/assets/:id/models',
    access: 'telemetry.read',
    sitesOf: siteOfAsset,
    async handle(call): Promise<AssetModels> {
      const asset = idOf(call)
      const { registry, comparisons, drift, unjudged, training, retraining } = call.services.models
      const versions = await registry.list({ asset })
      return {
        models: await Promise.all(versions.map((version) => registry.view(version))),
        comparisons: comparisons.of(asset),
        drift: drift.of(asset) ?? null,
        unjudged: unjudged.of(asset) ?? null,
        job: (await training.newest(asset)) ?? null,
        retraining: await retraining.of(asset),
      }
    },
  },
  {
    method: 'GET',
    url: '/api/models/:id',
    access: 'telemetry.read',
    sitesOf: siteOfModel,
    handle: readDetail,
  },
  {
    method: 'GET',
    url: '/api/scoreboard',
    access: 'telemetry.read',
    async handle(call): Promise<Scoreboard> {
      const { registry, feedback } = call.services.models
      const versions = await registry.list({ sites: sitesOf(call.actor) })
      const views = versions.map(async (version) => {
        return { ...(await registry.view(version)), factor: version.factor }
      })
      return await feedback.scoreboard(await Promise.all(views))
    },
  },
]

/** Card and back-test are files of the version; of one that was changed they are not shown. */
async function readDetail(call: Call): Promise<ModelDetail> {
  const { registry } = call.services.models
  const version = await registry.get(idOf(call))
  if (!version) throw new Fault('object.missing')
  const view = await registry.view(version)
  if (!view.intact) return { ...view, card: '', backTest: null }
  const files = await registry.load(version.id)
  const textOf = (name: string) => new TextDecoder().decode(files[name] ?? new Uint8Array())
  const backTest = textOf('backtest.json')
  return {
    ...view,
    card: textOf('card.md'),
    backTest: backTest === '' ? null : (JSON.parse(backTest) as BackTest),
  }
}

const acting: readonly Route[] = [
  {
    method: 'POST',
    url: '/api/models/:id/stage',
    access: 'model.stage',
    sitesOf: siteOfModel,
    body: StageRequest,
    async handle(call) {
      const { registry } = call.services.models
      const wanted = call.body as StageRequest
      return await viewOf(call, await registry.setStage(call.actor, idOf(call), wanted))
    },
  },
  {
    method: 'POST',
    url: '/api/models/:id/threshold',
    access: 'model.stage',
    sitesOf: siteOfModel,
    body: ThresholdRequest,
    async handle(call) {
      const { registry } = call.services.models
      const wanted = call.body as ThresholdRequest
      return await viewOf(call, await registry.setFactor(call.actor, idOf(call), wanted))
    },
  },
  {
    method: 'POST',
    url: '/api/assets/:id/models',
    access: 'model.train',
    sitesOf: siteOfAsset,
    body: UploadRequest,
    bodyLimit: UPLOAD_BODY_BYTES,
    perMinute: UPLOADS_PER_MINUTE,
    handle(call) {
      const wanted = call.body as UploadRequest
      return call.services.models.upload(call.actor, idOf(call), wanted)
    },
  },
  {
    method: 'POST',
    url: '/api/assets/:id/retraining',
    access: 'model.train',
    sitesOf: siteOfAsset,
    body: RetrainingRequest,
    async handle(call) {
      const id = idOf(call)
      const site = await call.services.fleet.siteOf(id)
      if (site === undefined) throw new Fault('object.missing')
      const wanted = call.body as RetrainingRequest
      return await call.services.models.retraining.set(call.actor, { id, site }, wanted)
    },
  },
]

export const modelRoutes: readonly Route[] = [...reading, ...acting]
