/** TEST fixture: the part of the API about models, in memory. */
import type { FastifyInstance } from 'fastify'
import { AlarmView } from '../../../protocol/api.ts'
import {
  Explanation,
  FailureReadiness,
  LevelChanges,
  TrainFailuresRequest,
} from '../../../protocol/api-explanation.ts'
import * as api from '../../../protocol/api-models.ts'
import { body, checked, person, Refused } from './contract.ts'
import { changesOf, readiness } from './failure-views.ts'
import type { ModelStory } from './model-story.ts'
import { backTestOf, card, day, explanationOf, lifeOf, proposalOf } from './model-views.ts'
import { asset } from './plant.ts'
import type { Story } from './story.ts'

interface ById {
  Params: { id: string }
}

function onlyPress(id: string) {
  if (id !== asset) throw new Refused(404, `There is no asset ${id}.`)
}

function addReading(app: FastifyInstance, story: Story, models: ModelStory) {
  app.get<ById>('/api/assets/:id/models', ({ params }) => {
    onlyPress(params.id)
    return checked(api.AssetModels, models.view())
  })
  app.get<ById>('/api/assets/:id/life', ({ params }) => {
    onlyPress(params.id)
    return checked(api.LifeView, lifeOf(Date.now()))
  })
  app.get<ById>('/api/assets/:id/failures', ({ params }) => {
    onlyPress(params.id)
    return checked(FailureReadiness, readiness)
  })
  app.get<ById & { Querystring: { from: string } }>(
    '/api/assets/:id/changes',
    ({ params, query }) => {
      onlyPress(params.id)
      return checked(LevelChanges, { changes: changesOf(story.plant, Number(query.from)) })
    },
  )
  app.get<ById & { Querystring: { from?: string } }>(
    '/api/assets/:id/training-proposal',
    ({ params, query }) => {
      onlyPress(params.id)
      const now = Date.now()
      return checked(api.TrainingProposal, proposalOf(now, Number(query.from ?? now - 90 * day)))
    },
  )
  app.get<ById>('/api/models/:id', ({ params }) => {
    const backTest = params.id === 'mod_1' ? null : backTestOf(Date.now())
    return checked(api.ModelDetail, { ...models.find(params.id), card, backTest })
  })
  app.get('/api/training-jobs/:id', () => checked(api.TrainingJobView, models.job()))
  app.get('/api/scoreboard', () => checked(api.Scoreboard, models.board()))
  app.get('/api/alarms/:id/explanation', () =>
    checked(Explanation, explanationOf(story.plant, Date.now())),
  )
}

function addDeciding(app: FastifyInstance, models: ModelStory) {
  app.post<ById>('/api/models/:id/stage', (request) => {
    person(request, 'model.stage')
    const { stage } = body(api.StageRequest, request)
    return checked(api.ModelVersionView, models.setStage(request.params.id, stage))
  })
  app.post<ById>('/api/models/:id/threshold', (request) => {
    person(request, 'model.stage')
    const { factor } = body(api.ThresholdRequest, request)
    const model = models.find(request.params.id)
    model.threshold = 1.0498 * factor
    return checked(api.ModelVersionView, model)
  })
}

function addTraining(app: FastifyInstance, story: Story, models: ModelStory) {
  app.post<ById>('/api/assets/:id/retraining', (request) => {
    person(request, 'model.train')
    models.setRetraining(body(api.RetrainingRequest, request))
    return {}
  })
  app.post<ById>('/api/assets/:id/parts/judge', (request) => {
    const { login } = person(request, 'case.work')
    story.note(login, 'part.judge', request.params.id, JSON.stringify(request.body))
    return {}
  })
  app.post<ById>('/api/assets/:id/train', (request) => {
    const { login } = person(request, 'model.train')
    const { periods } = body(api.TrainRequest, request)
    return checked(api.TrainingJobView, models.train(login, periods))
  })
  app.post<ById>('/api/assets/:id/train-failures', (request) => {
    const { login } = person(request, 'model.train')
    body(TrainFailuresRequest, request)
    return checked(api.TrainingJobView, models.train(login, []))
  })
  app.post('/api/training-jobs/:id/cancel', (request) => {
    person(request, 'model.train')
    models.cancel()
    return checked(api.TrainingJobView, models.job())
  })
  app.post<ById>('/api/assets/:id/models', (request) => {
    const { login: createdBy } = person(request, 'model.train')
    const { onnxBase64, manifest, periods } = body(api.UploadRequest, request)
    if (Buffer.from(onnxBase64, 'base64').length === 0) throw new Refused(422, 'No ONNX file.')
    const name = String(Object(manifest).name ?? 'unnamed')
    const rest = { name, periods, createdBy, source: 'uploaded', kind: 'external' } as const
    return checked(api.ModelVersionView, models.register(rest, Date.now()))
  })
  app.post('/api/alarms/:id/was-normal', (request) => {
    const { login } = person(request, 'model.train')
    const { note } = body(api.WasNormalRequest, request)
    story.note(login, 'alarm.was-normal', story.alarm.id, note)
    models.train(login, [{ from: story.alarm.raisedAt, to: Date.now() }])
    return checked(AlarmView, story.alarm)
  })
}

export function addModels(app: FastifyInstance, story: Story, models: ModelStory) {
  addReading(app, story, models)
  addDeciding(app, models)
  addTraining(app, story, models)
}
