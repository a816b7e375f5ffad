/** The typed questions and commands of the API about models: registry, training, explanation, labels, remaining life. */
import type {
  Explanation,
  FailureReadiness,
  LevelChanges,
  TrainFailuresRequest,
} from '../../../protocol/api-explanation.ts'
import type {
  AssetModels,
  LifeView,
  ModelDetail,
  ModelVersionView,
  RetrainingRequest,
  Scoreboard,
  StageRequest,
  ThresholdRequest,
  TrainingJobView,
  TrainingProposal,
  TrainRequest,
  UploadRequest,
  WasNormalRequest,
} from '../../../protocol/api-models.ts'
import { get, part, post } from './http.ts'

const ofAsset = (asset: string, what: string) => `/api/assets/${part(asset)}/${what}`
const ofModel = (id: string, what: string) => `/api/models/${part(id)}/${what}`

export const getAssetModels = (asset: string) => get<AssetModels>(ofAsset(asset, 'models'))
export const getLife = (asset: string) => get<LifeView>(ofAsset(asset, 'life'))
export const getModel = (id: string) => get<ModelDetail>(`/api/models/${part(id)}`)
export const getScoreboard = () => get<Scoreboard>('/api/scoreboard')
export const getExplanation = (alarm: string) =>
  get<Explanation>(`/api/alarms/${part(alarm)}/explanation`)
export const getTrainingJob = (id: string) => get<TrainingJobView>(`/api/training-jobs/${part(id)}`)

/** Without a span the server looks at all history, at most the newest 90 days. */
export const getTrainingProposal = (asset: string, spanMs: number | null) => {
  const to = Date.now()
  const query = spanMs === null ? '' : `?from=${to - spanMs}&to=${to}`
  return get<TrainingProposal>(`${ofAsset(asset, 'training-proposal')}${query}`)
}

/** Whether the closed cases of its type suffice for a model of known failures. */
export const getFailures = (asset: string) => get<FailureReadiness>(ofAsset(asset, 'failures'))
export const trainFailures = (asset: string, body: TrainFailuresRequest) =>
  post<TrainingJobView>(ofAsset(asset, 'train-failures'), body)

/** Where the mean of tags moved. */
export const getLevelChanges = (
  asset: string,
  { tags, from, to }: { tags: readonly string[]; from: number; to: number },
) => {
  const query = new URLSearchParams(tags.map((tag) => ['tag', tag]))
  query.set('from', String(Math.round(from)))
  query.set('to', String(Math.round(to)))
  return get<LevelChanges>(`${ofAsset(asset, 'changes')}?${query}`)
}

export const setStage = (id: string, body: StageRequest) =>
  post<ModelVersionView>(ofModel(id, 'stage'), body)
export const setThreshold = (id: string, body: ThresholdRequest) =>
  post<ModelVersionView>(ofModel(id, 'threshold'), body)
export const setRetraining = (asset: string, body: RetrainingRequest) =>
  post<unknown>(ofAsset(asset, 'retraining'), body)
export const startTraining = (asset: string, body: TrainRequest) =>
  post<TrainingJobView>(ofAsset(asset, 'train'), body)
export const cancelTraining = (id: string) => post<unknown>(`/api/training-jobs/${part(id)}/cancel`)
export const uploadModel = (asset: string, body: UploadRequest) =>
  post<ModelVersionView>(ofAsset(asset, 'models'), body)
/** How the part was that was taken out of the asset last. */
export const judgePart = (asset: string, body: { part: string; failed: boolean }) =>
  post<unknown>(ofAsset(asset, 'parts/judge'), body)
export const sayWasNormal = (alarm: string, body: WasNormalRequest) =>
  post<unknown>(`/api/alarms/${part(alarm)}/was-normal`, body)
