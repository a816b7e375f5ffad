/** TEST fixture: the registry of one asset and its trainings, moved only along the server's own table of stages. */
import type {
  AssetModels,
  ModelStage,
  ModelVersionView,
  Period,
  Scoreboard,
  TrainingJobView,
} from '../../../protocol/api-models.ts'
import { canChangeStage } from '../../registry/stages.ts'
import { Refused } from './contract.ts'
import { backTestOf, day, modelsOf } from './model-views.ts'
import { asset, minute } from './plant.ts'

/** A training takes this long; short, because a test waits for it. */
const trainingMs = 2_500
const phases = ['reading 5 tags', 'held-out block 3 of 8', 'looking back over 56 days'] as const

export function createModelStory(startedAt: number) {
  const models = modelsOf(startedAt)
  let job: TrainingJobView | null = null
  let asked: Period[] = []
  let retraining: AssetModels['retraining'] = { everyDays: null, onDrift: true }
  const find = (id: string): ModelVersionView => {
    const found = models.find((model) => model.id === id)
    if (!found) throw new Refused(404, `There is no model ${id}.`)
    return found
  }
  const register = (rest: Partial<ModelVersionView>, now: number): ModelVersionView => {
    const [newest] = models
    if (!newest) throw new Refused(500, 'The story has no model.')
    const version = newest.version + 1
    const made = { ...newest, id: `mod_${version}`, version, createdAt: now, ...rest }
    models.unshift({ ...made, stage: 'shadow' })
    return made
  }
  /** Follows the clock: progress, and what comes out. */
  const follow = (now: number) => {
    if (job?.state !== 'queued' && job?.state !== 'running') return job
    const progress = Math.min(1, (now - job.requestedAt) / trainingMs)
    const phase = phases[Math.min(phases.length - 1, Math.floor(progress * phases.length))]
    job = { ...job, state: 'running', progress, phase: phase ?? '' }
    if (progress < 1) return job
    const made = register({ periods: asked, createdBy: job.requestedBy, source: 'trained' }, now)
    const backTest = backTestOf(now)
    job = { ...job, state: 'done', phase: 'done', endedAt: now, model: made.id, backTest }
    return job
  }
  return {
    find,
    register,
    models: () => models,
    job: () => follow(Date.now()),
    train(by: string, periods: Period[]): TrainingJobView {
      if (follow(Date.now())?.state === 'running')
        throw new Refused(409, 'A training of this asset is running already.')
      asked = periods
      job = {
        ...{ id: `job_${Date.now()}`, asset, state: 'queued', phase: 'waiting', progress: 0 },
        ...{ requestedAt: Date.now(), requestedBy: by, endedAt: null, problem: null },
        ...{ model: null, backTest: null },
      }
      return job
    },
    cancel() {
      if (job) job = { ...job, state: 'cancelled', endedAt: Date.now() }
    },
    setStage(id: string, stage: ModelStage) {
      const model = find(id)
      if (!canChangeStage(model.stage, stage))
        throw new Refused(409, `The version is ${model.stage}: it cannot become ${stage} now.`)
      for (const other of models)
        if (stage === 'active' && other.stage === 'active' && other.kind === model.kind)
          other.stage = 'retired'
      model.stage = stage
      return model
    },
    setRetraining(next: AssetModels['retraining']) {
      retraining = next
    },
    view(): AssetModels {
      return {
        models,
        comparisons: [
          {
            ...{ active: 'mod_3', other: 'mod_4', since: startedAt - 2 * day, rows: 172_800 },
            ...{ agreement: 0.994, activeAlarms: 2, otherAlarms: 1 },
          },
        ],
        drift: {
          state: 'drift',
          mode: null,
          since: startedAt - 3 * 60 * minute,
          tags: [{ name: 'Pressure/PS1', shift: 3.4 }],
          text: 'PS1 works elsewhere than it was trained on.',
          coarser: [{ name: 'Pressure/PS1', step: 0.25 }],
        },
        unjudged: {
          ...{ from: startedAt - 60 * minute, share: 0.52, reason: null },
          tags: [{ name: 'Flow/FS1', share: 0.5, problem: 'bad' }],
        },
        job: follow(Date.now()),
        retraining,
      }
    },
    board(): Scoreboard {
      const rows = models.map((model) => ({
        ...{ model, alarms: 0, useful: 0, tooSensitive: 0, noisyData: 0, wrongData: 0 },
        ...{ precision: null, medianLeadMs: null, missed: 0, inMaintenance: 0, proposal: null },
      }))
      return {
        rows: rows.map((row) =>
          row.model.stage === 'active'
            ? {
                ...row,
                ...{ alarms: 9, useful: 5, tooSensitive: 2, noisyData: 0, wrongData: 1 },
                ...{ precision: 0.625, medianLeadMs: 47 * minute, missed: 1, inMaintenance: 2 },
                proposal: { threshold: 1.21, factor: 1.15, why: 'No useful alarm was below it.' },
              }
            : row,
        ),
      }
    },
  }
}
export type ModelStory = ReturnType<typeof createModelStory>
