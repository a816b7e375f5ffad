/** From the registry to what scores and alarms: which versions watch which asset, under which derived tags and rules. */

import { parseClusterModels, parseModeModels } from '../models/inner-models.ts'
import { parseManifest } from '../models/manifest.ts'
import { NORMAL_FILE } from '../models/train/normal-rows.ts'
import { derivedTagId } from '../protocol/model.ts'
import { type AlarmRule, limitsOf, ratioRule } from './alarms/alarm-rule.ts'
import type { ExplainedModel } from './explanation/explanation.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import type { Historian } from './historian/historian.ts'
import { namedTags } from './models-of.ts'
import type { Registry } from './registry/registry.ts'
import type { ModelVersion } from './registry/version.ts'
import type { WatchedFile } from './scoring/kept-rows.ts'
import type { WatchedModel } from './scoring/watched.ts'
import { readModes } from './training/mode-history.ts'

/** Detectors that score live, the one that speaks for the asset first. */
const LIVE_KINDS: readonly string[] = ['multivariate', 'external', 'one-tag']
/** A version on trial is for awareness: the lowest of four bands of the OPC UA severity. */
const CANARY_SEVERITY = 100
/** Breaches are counted: one is too many. */
const BREACH_LIMIT = 0.5

export interface ModelLoader {
  /** Checked once; a version that is not what was registered comes with its problem. */
  load(version: ModelVersion): Promise<WatchedModel['model']>
  /** Lets go of all others: some hundred KB a version, and a schedule makes one a week. */
  keep(versions: ReadonlySet<string>): void
}

export function createModelLoader(registry: Registry): ModelLoader {
  const loaded = new Map<string, WatchedFile>()
  return {
    async load({ id, sha256 }) {
      const known = loaded.get(id)
      if (known) return known
      try {
        const files = await registry.load(id)
        const manifest = parseManifest(new TextDecoder().decode(files['manifest.json']), id)
        // A thousand assets with one file hold its bytes once.
        const twin = [...loaded.values()].find((one) => one.sha256 === sha256)
        const bytes = twin?.bytes ?? files['model.onnx'] ?? new Uint8Array()
        const normal = twin?.normal ?? files[NORMAL_FILE]
        const own = { manifest, bytes, sha256, normal }
        const modes = parseModeModels(own, files, id)
        const model = { ...own, modes, clusters: parseClusterModels(own, files, id) }
        loaded.set(id, model)
        return model
      } catch (error) {
        return { problem: error instanceof Error ? error.message : String(error) }
      }
    },
    keep(versions) {
      for (const id of loaded.keys()) if (!versions.has(id)) loaded.delete(id)
    },
  }
}

/** Every version in shadow, canary or active of the configured assets. */
export async function watchedModels(
  registry: Registry,
  loader: ModelLoader,
  assets: readonly AssetConfig[],
): Promise<WatchedModel[]> {
  const watched: WatchedModel[] = []
  const byAsset = Map.groupBy(await registry.list({}), ({ asset }) => asset)
  for (const asset of assets) {
    const versions = (byAsset.get(asset.id) ?? []).filter(({ kind }) => LIVE_KINDS.includes(kind))
    const primary = LIVE_KINDS.map((kind) =>
      versions.find((version) => version.kind === kind && version.stage === 'active'),
    ).find((version) => version !== undefined)
    for (const version of versions) {
      const { id, site, kind, stage, factor, name, version: number } = version
      if (stage === 'retired') continue
      const isPrimary = id === primary?.id
      const prefix = isPrimary ? '' : `${name}-v${number}/`
      const outputs = {
        score: `${prefix}Score`,
        ratio: `${prefix}Ratio`,
        breaches: `${prefix}Breaches`,
      }
      const model = await loader.load(version)
      const tags = pickTags(model, namedTags(asset))
      const own = { id, version: number, asset: asset.id, site, kind, stage, factor }
      watched.push({ ...own, isPrimary, outputs, tags, model })
    }
  }
  return watched
}

interface FinderParts {
  registry: Registry
  loader: ModelLoader
  assets: readonly AssetConfig[]
  /** Says the operating mode of an instant. */
  historian: Pick<Historian, 'raw'>
}

/**
 * A version of any stage with the tags of its asset, and of its models that of the mode of the instant; undefined when
 * it is gone or may not be used, or knew no such mode.
 */
export function createModelFinder({
  registry,
  loader,
  assets,
  historian,
}: FinderParts): (version: string, at: number) => Promise<ExplainedModel | undefined> {
  return async (id, at) => {
    const version = await registry.get(id)
    const asset = assets.find((one) => one.id === version?.asset)
    if (!version || !asset || !LIVE_KINDS.includes(version.kind)) return undefined
    const folder = await loader.load(version)
    if ('problem' in folder) return undefined
    const tags = pickTags(folder, namedTags(asset))
    const { modes } = folder.manifest
    if (!modes) return { folder, tags }
    const tag = tags[modes.tag]
    if (tag === undefined) return undefined
    const { holdMs } = modes
    const [value = ''] = await readModes(historian, { tag, holdMs }, Float64Array.of(at))
    const own = folder.modes?.get(value)
    return own && { folder: own, tags, mode: { value, tag, holdMs } }
  }
}

/** Only the tags that the model looks at, and that of the operating mode. */
function pickTags(model: WatchedModel['model'], named: WatchedModel['tags']): WatchedModel['tags'] {
  if ('problem' in model) return {}
  const { tags, modes } = model.manifest
  const names = new Set([...tags.map(({ name }) => name), ...(modes ? [modes.tag] : [])])
  return Object.fromEntries(Object.entries(named).filter(([name]) => names.has(name)))
}

/** An active version alarms; one on trial says so for awareness only; one in shadow says nothing. */
export function rulesOf(
  watched: readonly WatchedModel[],
  assets: readonly AssetConfig[],
): AlarmRule[] {
  const rules: AlarmRule[] = []
  for (const one of watched) {
    const asset = assets.find(({ id }) => id === one.asset)
    if (!asset || one.stage === 'shadow') continue
    const severity = asset.alarm.severity
    const timing = 'problem' in one.model ? undefined : one.model.manifest
    const rule = ratioRule({ id: asset.id, site: asset.site, severity }, { model: one.id, timing })
    const own =
      one.stage === 'canary' ? onTrial(rule, one) : one.isPrimary ? rule : beside(rule, one)
    rules.push(own)
    if (timing?.tags.some((tag) => tag.rules)) rules.push(breachRule(own, one, timing))
  }
  return rules
}

function onTrial(rule: AlarmRule, one: WatchedModel): AlarmRule {
  return {
    ...rule,
    id: `${rule.asset}:trial:${one.id}`,
    tag: derivedTagId(one.site, one.asset, one.outputs.ratio),
    title: 'On trial, abnormal behaviour',
    severity: Math.min(CANARY_SEVERITY, rule.severity),
    opensCase: false,
  }
}

/** A second active model: of tags each by its own history, or trained elsewhere. */
function beside(rule: AlarmRule, one: WatchedModel): AlarmRule {
  const isOwnHistory = one.kind === 'one-tag'
  return {
    ...rule,
    id: `${rule.asset}:${isOwnHistory ? 'drifting' : one.kind}`,
    tag: derivedTagId(one.site, one.asset, one.outputs.ratio),
    title: isOwnHistory ? 'Off its own history' : 'Abnormal behaviour, by a second model',
  }
}

/** Hard rules are bounds, not statistics: they alarm at once, as they do in back-test. */
function breachRule(
  rule: AlarmRule,
  one: WatchedModel,
  timing: { offDelayMs: number; periodMs: number },
): AlarmRule {
  return {
    ...rule,
    ...limitsOf({ ...timing, onDelayMs: 0, peakClear: 0 }),
    id: `${rule.id}:rules`,
    tag: derivedTagId(one.site, one.asset, one.outputs.breaches),
    title: one.stage === 'canary' ? 'On trial, hard rule broken' : 'Hard rule broken',
    highLimit: BREACH_LIMIT,
  }
}
