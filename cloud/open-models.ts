/** Opens what belongs to models: registry, live scoring, training, explanation, feedback; a change of one reaches the others. */
import { join } from 'node:path'
import type { ModelVersionView, UploadRequest } from '../protocol/api-models.ts'
import { Fault } from '../protocol/kit/fault.ts'
import type { Log } from '../protocol/kit/log.ts'
import { repeatUntilDisposed } from '../protocol/kit/loop.ts'
import type { Audit } from './audit/audit.ts'
import { factsOf, factsOfLife, registerConfiguredModels } from './configured-models.ts'
import { createExplainer } from './explanation/explanation.ts'
import { createFeedback, type Feedback } from './feedback/feedback.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import type { Historian } from './historian/historian.ts'
import { openModelSigner } from './identity/model-signer.ts'
import { createLifeReader } from './life-of.ts'
import { createPastReader, createTrainingAssets } from './models-of.ts'
import { createFailureSource, createKnownFailures, type KnownFailures } from './open-failures.ts'
import { openRegistry, type Registry } from './registry/registry.ts'
import type { WatchedFile } from './scoring/kept-rows.ts'
import type { LifeItem } from './scoring/life-estimate.ts'
import { type LiveWatches, openLiveWatches } from './scoring/live-watches.ts'
import type { ScoringResult } from './scoring/result.ts'
import { openScoring, type Scoring } from './scoring/scoring.ts'
import {
  createUnjudgedWatch,
  type UnjudgedReport,
  type UnjudgedWatch,
} from './scoring/unjudged-watch.ts'
import type { WatchedModel } from './scoring/watched.ts'
import type { Store } from './store/store.ts'
import { type CoarserRetraining, createCoarserRetraining } from './training/coarser-retraining.ts'
import { createRetraining, type Retraining } from './training/retraining.ts'
import { type NewVersion, openTraining, type Person, type Training } from './training/training.ts'
import { createUpload } from './training/upload.ts'
import type { NewLife } from './training/upload-life.ts'
import { createModelFinder, createModelLoader, watchedModels } from './watched-models.ts'

export interface ModelsOptions {
  store: Store
  audit: Audit
  historian: Historian
  log: Log
  dataDir: string
  /** Where relative paths of the configuration start. */
  baseDir: string
  assets: readonly AssetConfig[]
  /** So many automatic versions of an asset and name stay in shadow. */
  keepAutomatic?: number
  /** Other versions watch live data from now on; also called before `openModels` answers. */
  onWatched(models: readonly WatchedModel[]): Promise<void>
  onChange(of: { asset: string; site: string }): void
  /** The machine is in planned maintenance just now. */
  isInWork?(of: { asset: string; site: string }): boolean
  /** Service of an asset should be ordered now; told again and again with the same fingerprint. */
  onDue(due: { asset: string; fingerprint: string; title: string }): Promise<void>
}

export interface Models extends AsyncDisposable {
  registry: Registry
  scoring: Scoring
  training: Training
  retraining: Retraining
  failures: KnownFailures
  feedback: Feedback
  comparisons: LiveWatches['comparisons']
  drift: LiveWatches['drift']
  /** Dry-run and calibrated before it is a version; throws what is wrong with it. */
  upload(actor: Person, asset: string, wanted: UploadRequest): Promise<ModelVersionView>
  /** What is left of the asset by its active models of remaining life. */
  lifeOf(asset: string, now: number): Promise<LifeItem[]>
  /** How much of an asset's last hour could not be judged. */
  unjudged: Pick<UnjudgedWatch, 'of'>
  /** What a tick of the scoring brought, for comparison and drift; answers what is to be said of assets that are not judged. */
  accept(results: readonly ScoringResult[]): UnjudgedReport[]
}

/** Retraining by schedule is a matter of days. */
const RETRAIN_MS = 60_000
/** A remaining life changes from day to day. */
const LIFE_MS = 3_600_000

export async function openModels(options: ModelsOptions): Promise<Models> {
  const { store, audit, historian, log, assets, dataDir } = options
  await using stack = new AsyncDisposableStack()
  const onError = (error: unknown) => log.error({ err: error }, 'a task of the models failed')
  let scoring: Scoring | undefined
  let watches: LiveWatches | undefined
  let files = new Map<string, WatchedFile | undefined>()
  // One change at a time: what is read first must not be set last.
  let tail: Promise<unknown> = Promise.resolve()
  const registry = await openRegistry({
    ...{ store, audit, dir: join(dataDir, 'models'), keepAutomatic: options.keepAutomatic },
    signer: await openModelSigner(join(dataDir, 'pki')),
    async onChange(of) {
      const running = scoring
      if (!running) return
      const done = tail.then(() => watch(running))
      tail = done.catch(() => undefined)
      await done
      options.onChange(of)
    },
  })
  const loader = createModelLoader(registry)

  async function watch(running: Scoring): Promise<void> {
    const watched = await watchedModels(registry, loader, assets)
    await running.watch(watched)
    files = new Map(watched.map(({ id, model }) => [id, 'problem' in model ? undefined : model]))
    watches?.keep(new Set(files.keys()))
    loader.keep(new Set(files.keys()))
    await options.onWatched(watched)
  }

  await registerConfiguredModels(registry, options)
  const opened = stack.use(await openScoring({ models: [], log }))
  await watch(opened)
  const manifestOf = (id: string, mode?: string) =>
    (mode === undefined ? files.get(id) : files.get(id)?.modes?.get(mode))?.manifest
  const siteOf = new Map(assets.map(({ id, site }) => [id, site]))
  const isInWork = ({ asset }: { asset: string }) =>
    options.isInWork?.({ asset, site: siteOf.get(asset) ?? '' }) ?? false
  const live = stack.use(await openLiveWatches({ store, log, manifestOf, isInWork }))
  live.keep(new Set(files.keys()))
  watches = live
  scoring = opened
  const driftOf = (asset: string) => live.drift.of(asset)?.since ?? null
  const learning = stack.use(await openLearning({ ...options, driftOf }, registry))
  const { retraining, coarser } = learning
  const life = createLifeReader({
    ...{ store, registry, history: historian, assets, run: opened.infer },
  })
  const tellDue = async () => {
    for (const due of await life.findDue(Date.now())) await options.onDue(due)
  }
  stack.use(repeatUntilDisposed(tellDue, { everyMs: LIFE_MS, onError }))
  const explainer = createExplainer({
    ...{ store, rowsBefore: createPastReader(historian), run: opened.infer },
    modelOf: createModelFinder({ registry, loader, assets, historian }),
  })
  const parts = { store, audit, registry, historian, assets, explainer, run: opened.infer }
  const failures = createKnownFailures(parts)
  const unjudged = createUnjudgedWatch({
    siteOf: (asset) => siteOf.get(asset),
    periodMsOf: (model) => manifestOf(model)?.periodMs,
  })
  const running = stack.move()
  return {
    failures,
    unjudged,
    ...{ registry, scoring: opened, comparisons: live.comparisons, drift: live.drift, retraining },
    ...{ training: learning.training, upload: learning.upload },
    feedback: createFeedback(store),
    lifeOf: life.itemsOf,
    accept(results) {
      for (const asset of live.accept(results))
        void retraining.noteDrift(asset, live.drift.of(asset)?.since ?? null).catch(onError)
      for (const asset of new Set(results.map((result) => result.asset))) {
        const found = live.drift.coarserOf(asset)
        if (found) void coarser.note(asset, found).catch(onError)
      }
      return unjudged.accept(results)
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

interface Learning extends AsyncDisposable, Pick<Models, 'training' | 'retraining' | 'upload'> {
  coarser: CoarserRetraining
}

/** Everything that makes new versions; each begins in shadow. */
async function openLearning(
  options: ModelsOptions & { driftOf(asset: string): number | null },
  registry: Registry,
): Promise<Learning> {
  const { store, audit, historian, log, assets, onChange } = options
  await using stack = new AsyncDisposableStack()
  const versionsOf = (asset: string) => registry.list({ asset })
  const shared = {
    ...{ store, audit, history: historian, assetOf: createTrainingAssets(store, assets) },
    register: (version: NewVersion) => registerInShadow(registry, version),
  }
  const failures = createFailureSource(store, registry)
  const learning = { ...shared, log, versionsOf, onChange, failures }
  const training = stack.use(await openTraining(learning))
  const upload = createUpload({
    ...shared,
    registerLife: (version) => registerLifeInShadow(registry, version),
  })
  const { driftOf } = options
  const retraining = createRetraining({ store, audit, training, versionsOf, driftOf, log })
  const coarser = createCoarserRetraining({ store, training, log })
  const onError = (error: unknown) => log.error({ err: error }, 'retraining failed')
  stack.use(repeatUntilDisposed(() => retraining.tick(), { everyMs: RETRAIN_MS, onError }))
  const running = stack.move()
  return {
    ...{ training, retraining, coarser },
    async upload(actor, asset, wanted) {
      const version = await registry.get(await upload(actor, asset, wanted))
      if (!version) throw new Fault('object.missing', { id: asset })
      return await registry.view(version)
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function registerInShadow(registry: Registry, version: NewVersion): Promise<string> {
  const { asset, manifest, files, ...rest } = version
  const { name, kind } = manifest
  const own = { asset: asset.id, site: asset.site, name, kind }
  const facts = factsOf(manifest)
  return (await registry.register({ ...rest, ...own, stage: 'shadow', facts, files })).id
}

async function registerLifeInShadow(registry: Registry, version: NewLife): Promise<string> {
  const { asset, manifest, ...rest } = version
  const own = { asset: asset.id, site: asset.site, name: manifest.name, kind: 'life' } as const
  const facts = factsOfLife(manifest)
  return (await registry.register({ ...rest, ...own, stage: 'shadow', periods: [], facts })).id
}
