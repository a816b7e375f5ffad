/** Training on site: proposals, jobs one at a time in a thread of their own, and the versions that come out, in shadow. */
import { randomBytes } from 'node:crypto'
import type {
  ModelKind,
  Period,
  TrainingJobView,
  TrainingProposal,
  TrainRequest,
} from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import type { FailureRequest, FailureSource } from './failure-job.ts'
import type { HistorySource } from './history.ts'
import { createJobQueue } from './job-queue.ts'
import { removeObsoleteJobs } from './job-retention.ts'
import { failUnfinished, findJob, findNewestJob, listWaiting, viewJob } from './job-rows.ts'
import { findLivePeriod, findPaces, findSeldom } from './live-period.ts'
import { findModeTags } from './mode-history.ts'
import { DEFAULT_SPAN_MS, notTrainable, proposePeriods, type TrainingAsset } from './proposal.ts'
import type { TrainedVersion } from './training-thread.ts'

/** Who acts; the caller has asked the policy already. */
export interface Person {
  login: string
}

export interface NewVersion extends TrainedVersion {
  asset: TrainingAsset
  periods: Period[]
  createdBy: string
  source: 'trained' | 'uploaded'
  /** Nobody asked for this very version. */
  automatic?: true
}

/** `automatic`: what comes out is one of many that nobody may ever look at; the registry keeps the newest few in shadow. */
export type WantedTraining = TrainRequest & Pick<NewVersion, 'automatic'>

/** What the newest version of an asset and kind says to the next training. */
export interface KnownVersion {
  id: string
  name: string
  kind: ModelKind
  stage: string
  tags: readonly string[]
  /** It tells modes apart by this tag. */
  modes?: { tag: string }
  periodMs: number
  periods: readonly Period[]
  createdAt: number
}

export interface TrainingOptions {
  store: Store
  audit: Audit
  history: HistorySource
  assetOf(id: string): Promise<TrainingAsset | undefined>
  /** Newest first. */
  versionsOf(asset: string): Promise<KnownVersion[]>
  /** Enters a version in shadow; answers its id. */
  register(version: NewVersion): Promise<string>
  /** A job of the asset is somewhere else now. */
  onChange(of: { asset: string; site: string }): void
  /** Labelled cases, and where a model of them is entered; left out: no such model is trained. */
  failures?: FailureSource
  log: Log
  /** Unix ms. */
  now?(): number
  /** The thread's file. */
  worker?: URL
}

export interface Training extends AsyncDisposable {
  /** Throws Fault 'object.missing', 'model.not-trainable'. */
  propose(asset: string, span: Partial<Period>): Promise<TrainingProposal>
  /** Queues a job; throws Fault 'training.busy' when the asset has one, 'training.full', 'object.missing'. */
  train(actor: Person, asset: string, wanted: WantedTraining): Promise<TrainingJobView>
  /** The same for a model of known failures, from the labelled cases of like machines. */
  trainFailures(actor: Person, asset: string, wanted: { note?: string }): Promise<TrainingJobView>
  get(id: string): Promise<TrainingJobView | undefined>
  newest(asset: string): Promise<TrainingJobView | undefined>
  /** A job that has ended already stays as it is. */
  cancel(actor: Person, id: string): Promise<TrainingJobView>
  /** Removes old jobs with their back-tests, all but so many of an asset; an entry of the audit for each asset. Answers how many. */
  retain(keepJobs?: number): Promise<number>
  /** Resolves when no job is waiting. */
  idle(): Promise<void>
}

/** Each may take minutes: a longer queue is forgotten before it is done. */
const MAX_QUEUED = 20
/** Where no tag has come twice yet. */
const USUAL_PERIOD_MS = 1_000

export async function openTraining(options: TrainingOptions): Promise<Training> {
  const { store, audit, now = Date.now, onChange } = options
  await failUnfinished(store, now())
  const assetOf = async (id: string): Promise<TrainingAsset> => {
    const asset = await options.assetOf(id)
    if (!asset) throw new Fault('object.missing', { id })
    return asset
  }
  const queue = createJobQueue({ ...options, now, assetOf })
  // One at a time: two who ask in the same moment must not both find the asset free.
  let tail: Promise<unknown> = Promise.resolve()
  const enter = (wanted: NewJob): Promise<string> => {
    const done = tail.then(() => enterJob(store, wanted))
    tail = done.catch(() => undefined)
    return done
  }

  async function view(id: string): Promise<TrainingJobView> {
    const row = await findJob(store, id)
    if (!row) throw new Fault('object.missing', { id })
    return viewJob(row)
  }

  async function start(wanted: NewJob, detail: object): Promise<TrainingJobView> {
    const { asset, login } = wanted
    const job = await enter(wanted)
    await audit.append({
      ...{ actor: login, action: 'model.train', object: job, site: asset.site },
      ...{ outcome: 'done', detail },
    })
    onChange({ asset: asset.id, site: asset.site })
    queue.wake()
    return await view(job)
  }

  return {
    async propose(id, { from, to = now() }) {
      const asset = await assetOf(id)
      const { periodMs, without, tags } = await findGrid(options, asset, { at: to })
      const span = { from: from ?? to - DEFAULT_SPAN_MS, to, periodMs }
      const found = await proposePeriods(options, { ...asset, tags }, span)
      const modeTags = await findModeTags(options.history, asset.modeTags ?? {}, found.periods)
      return { ...found, without, modeTags }
    },
    async train({ login }, id, wanted) {
      const asset = await assetOf(id)
      const at = Math.max(...wanted.periods.map(({ to }) => to))
      const grid = await findGrid(options, asset, { at, periodMs: wanted.periodMs })
      const without = [...(wanted.without ?? []), ...grid.without.map(({ name }) => name)]
      const modeTag = await chooseModeTag(options, asset, wanted)
      const request = { ...wanted, periodMs: grid.periodMs, without, modeTag }
      const detail = { asset: id, periods: wanted.periods.length, note: wanted.note, modeTag }
      return await start({ asset, login, at: now(), request }, detail)
    },
    async trainFailures({ login }, id, { note }) {
      const asset = await assetOf(id)
      const { periodMs, without } = await findGrid(options, asset, { at: now() })
      const names = without.map(({ name }) => name)
      const request: FailureRequest = { failures: true, periodMs, without: names, note }
      const detail = { asset: id, of: 'known failures', note }
      return await start({ asset, login, at: now(), request }, detail)
    },
    async get(id) {
      const row = await findJob(store, id)
      return row && viewJob(row)
    },
    async newest(asset) {
      const row = await findNewestJob(store, asset)
      return row && viewJob(row)
    },
    async cancel({ login }, id) {
      const { asset, state } = await view(id)
      if (state !== 'queued' && state !== 'running') return await view(id)
      const { site } = await assetOf(asset)
      await queue.cancel(id, login)
      const act = { actor: login, action: 'model.train.cancel', object: id, site }
      await audit.append({ ...act, outcome: 'done' })
      onChange({ asset, site })
      return await view(id)
    },
    retain: (keepJobs) => removeObsoleteJobs(store, audit, keepJobs),
    idle: queue.idle,
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}

interface NewJob {
  asset: TrainingAsset
  login: string
  at: number
  request: WantedTraining | FailureRequest
}

/** Throws Fault 'training.busy' or 'training.full'. */
async function enterJob(store: Store, { asset, login, at, request }: NewJob): Promise<string> {
  const waiting = await listWaiting(store)
  const own = waiting.find((job) => job.asset === asset.id)
  if (own) throw new Fault('training.busy', { state: own.state })
  if (waiting.length >= MAX_QUEUED) throw new Fault('training.full', { count: waiting.length })
  const id = `job_${randomBytes(9).toString('base64url')}`
  await store.db
    .insertInto('training_jobs')
    .values({
      ...{ id, asset: asset.id, site: asset.site, state: 'queued', phase: 'waiting', progress: 0 },
      ...{ requested_at: at, requested_by: login, request: JSON.stringify(request) },
      ...{ ended_at: null, problem: null, model: null, back_test: null },
    })
    .execute()
  return id
}

/** Modes that the active version tells apart stay, unless a person says otherwise. */
async function chooseModeTag(
  { versionsOf }: Pick<TrainingOptions, 'versionsOf'>,
  asset: TrainingAsset,
  { modeTag: wanted }: TrainRequest,
): Promise<string | null> {
  const active = (await versionsOf(asset.id)).find(
    ({ kind, stage }) => kind === 'multivariate' && stage === 'active',
  )
  const modeTag = wanted === undefined ? (active?.modes?.tag ?? null) : wanted
  if (modeTag !== null && asset.modeTags?.[modeTag] === undefined)
    throw notTrainable(asset, `it has no tag "${modeTag}" that could tell its mode`)
  return modeTag
}

/** The grid that the asset's detector has already, else the pace of its tags; and the tags that fit on it. */
async function findGrid(
  { history, versionsOf, now = Date.now }: Pick<TrainingOptions, 'history' | 'versionsOf' | 'now'>,
  asset: TrainingAsset,
  { at, periodMs: wanted }: { at: number; periodMs?: number },
) {
  const known = (await versionsOf(asset.id)).find(
    ({ kind, stage }) => stage === 'active' && (kind === 'multivariate' || kind === 'one-tag'),
  )
  const then = await findPaces(history, asset.tags, at)
  // Old periods of which nothing is left say nothing about the pace; the present may.
  const isSilent = [...then.values()].every((pace) => pace === undefined)
  const paces = isSilent ? await findPaces(history, asset.tags, now()) : then
  const periodMs = wanted ?? known?.periodMs ?? findLivePeriod(paces) ?? USUAL_PERIOD_MS
  const without = findSeldom(paces, periodMs)
  const seldom = new Set(without.map(({ name }) => name))
  const kept = Object.entries(asset.tags).filter(([name]) => !seldom.has(name))
  if (kept.length === 0) throw notTrainable(asset, 'no tag with numbers comes often enough')
  return { periodMs, without, tags: Object.fromEntries(kept) }
}
