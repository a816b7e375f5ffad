/** Known failures, put together: labelled cases to learn from, versions that speak, and what is told with an alarm. */
import {
  type FailureManifest,
  parseFailureManifest,
} from '../models/train/failures/failure-manifest.ts'
import type { Explanation, FailureReadiness, LevelChange } from '../protocol/api-explanation.ts'
import { parseTagId, type TagId } from '../protocol/model.ts'
import type { Audit } from './audit/audit.ts'
import type { Reader } from './explanation/closed-case.ts'
import type { FailureModel } from './explanation/diagnosis.ts'
import type { Explainer } from './explanation/explanation.ts'
import { createFailures, type NoteOnCase } from './explanation/failures.ts'
import { createLevelChanges, type Span } from './explanation/level-changes.ts'
import {
  CASES_WANTED,
  describeReadiness,
  MODES_WANTED,
  pickLearnable,
  readLabelledCases,
} from './feedback/labelled-cases.ts'
import { readNamedCases } from './feedback/named-cases.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import type { Historian } from './historian/historian.ts'
import { namedTags } from './models-of.ts'
import type { Registry } from './registry/registry.ts'
import type { ModelFacts, ModelVersion } from './registry/version.ts'
import type { Scoring } from './scoring/scoring.ts'
import type { Store } from './store/store.ts'
import type { FailureSource } from './training/failure-job.ts'
import { readLiveWindows } from './training/failure-windows.ts'
import { mergePeriods } from './training/history.ts'
import { createUnseenMode } from './unseen-mode.ts'

/** Rows of the alarm's model before and after it in which changes of level are told. */
const ROWS_BEFORE = 420
const ROWS_AFTER = 60
/** Tags that moved first and are looked at beside those that stand out. */
const MAX_MOVED = 5
/** Where the alarm is of no model. */
const USUAL_PERIOD_MS = 1_000
const STAGES = ['active', 'canary', 'shadow']

export interface KnownFailures {
  /** Looks at active alarms; call it every few seconds. */
  tick(now: number, note: NoteOnCase): Promise<void>
  /** Throws Fault 'object.missing'. */
  explain(alarm: string, reader: Reader): Promise<Explanation>
  readiness(asset: string): Promise<FailureReadiness>
  changes(tags: readonly TagId[], span: Span): Promise<LevelChange[]>
}

export interface KnownFailuresOptions {
  store: Store
  audit: Audit
  registry: Registry
  historian: Historian
  assets: readonly AssetConfig[]
  explainer: Explainer
  run: Scoring['infer']
}

export function createKnownFailures(options: KnownFailuresOptions): KnownFailures {
  const { store, audit, registry, historian, explainer, run } = options
  const failures = createFailures({
    ...{
      store,
      audit,
      run,
      modelsOf: createLoader(options),
      unseenMode: createUnseenMode(options),
    },
    windowsOf({ manifest: { periodMs }, tags }, span) {
      return readLiveWindows(historian, { tags, periodMs, span })
    },
  })
  const levels = createLevelChanges({ store, history: historian })
  return {
    tick: failures.tick,
    changes: levels.of,
    async explain(alarm, reader) {
      const own = await explainer.explain(alarm, reader)
      const now = Date.now()
      const span = await spanAround(options, alarm, now)
      const names = [...own.tags, ...own.movedFirst.slice(0, MAX_MOVED)].map(({ tag }) => tag)
      const tags = names.filter((tag) => parseTagId(tag)) as TagId[]
      const changes = await levels.of(tags, span)
      return { ...own, changes, failures: await failures.of(alarm, now, reader) }
    },
    async readiness(asset) {
      const versions = await registry.list({ asset })
      const own = versions.filter(({ kind }) => kind === 'failures')
      const record: FailureReadiness['record'] = []
      for (const { id: model, version, stage } of own)
        if (stage !== 'retired')
          record.push({ model, version, ...(await readNamedCases(store, model)) })
      const found = await readLabelledCases(store, asset)
      return { ...describeReadiness(found, own[0]?.createdAt), record }
    },
  }
}

async function spanAround(
  { store, registry }: KnownFailuresOptions,
  alarm: string,
  now: number,
): Promise<Span> {
  const row = await store.db
    .selectFrom('alarms')
    .select(['raised_at', 'model'])
    .where('id', '=', alarm)
    .executeTakeFirst()
  const version = row?.model ? await registry.get(row.model) : undefined
  const periodMs = version?.periodMs ?? USUAL_PERIOD_MS
  const raisedAt = row?.raised_at ?? now
  const to = Math.max(raisedAt, Math.min(now, raisedAt + ROWS_AFTER * periodMs))
  return { from: raisedAt - ROWS_BEFORE * periodMs, to }
}

/** Files are read and checked once; a version that is not what was registered is left out, the page says why. */
function createLoader({ registry, assets }: KnownFailuresOptions) {
  const kept = new Map<string, Pick<FailureModel, 'manifest' | 'bytes'>>()
  async function load({ id }: ModelVersion) {
    const known = kept.get(id)
    if (known) return known
    try {
      const files = await registry.load(id)
      const text = new TextDecoder().decode(files['manifest.json'])
      const found = {
        manifest: parseFailureManifest(text, id),
        bytes: files['model.onnx'] ?? new Uint8Array(),
      }
      kept.set(id, found)
      return found
    } catch {
      // The registry has said so in the audit, once.
      return undefined
    }
  }
  return async (asset: string): Promise<FailureModel[]> => {
    const config = assets.find(({ id }) => id === asset)
    if (!config) return []
    const models: FailureModel[] = []
    for (const version of await registry.list({ asset })) {
      const { id, stage, sha256, version: number } = version
      if (version.kind !== 'failures' || stage === 'retired') continue
      const found = await load(version)
      const tags = found && pickTags(found.manifest, namedTags(config))
      if (found && tags) models.push({ id, asset, stage, sha256, version: number, ...found, tags })
    }
    return models.sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage))
  }
}

/** In the order of the manifest; undefined: the asset has not all of them any more. */
function pickTags(
  { tags }: FailureManifest,
  named: Readonly<Record<string, TagId>>,
): Record<string, TagId> | undefined {
  const own = tags.flatMap((name): [string, TagId][] => {
    const tag = named[name]
    return tag === undefined ? [] : [[name, tag]]
  })
  return own.length === tags.length ? Object.fromEntries(own) : undefined
}

/** What the training of known failures is given. */
export function createFailureSource(store: Store, registry: Registry): FailureSource {
  const wanted = { cases: CASES_WANTED, modes: MODES_WANTED }
  return {
    async casesOf(asset) {
      const { cases } = await readLabelledCases(store, asset)
      return { cases: [...pickLearnable(cases).values()].flat(), wanted }
    },
    async register({ asset, manifest, files, periods, createdBy }) {
      const { name, kind } = manifest
      const version = await registry.register({
        ...{ asset: asset.id, site: asset.site, name, kind, stage: 'shadow', source: 'trained' },
        ...{ createdBy, periods: mergePeriods(periods), files, facts: factsOfFailures(manifest) },
      })
      return version.id
    },
  }
}

/** What lists show of a model of known failures. */
function factsOfFailures({ training, periodMs, tags, metrics }: FailureManifest): ModelFacts {
  const { windows: trainedRows, hash: dataHash } = training
  return { trainedRows, periodMs, threshold: null, tags, metrics, dataHash }
}
