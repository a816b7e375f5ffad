/** What the rest of the cloud wants to know of the models of an asset. */

import type { Manifest } from '../models/manifest.ts'
import { countTrainedRows } from '../models/manifest.ts'
import { createRows, HOLD_PERIODS } from '../models/train/grid.ts'
import { keepMode, settleModes } from '../models/train/mode-rows.ts'
import type { AssetDetail } from '../protocol/api.ts'
import { derivedTagId, parseTagId, type TagId } from '../protocol/model.ts'
import type { ExplainedModel, PastRows } from './explanation/explanation.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import type { Flow } from './flow.ts'
import type { Historian } from './historian/historian.ts'
import type { Scoring } from './scoring/scoring.ts'
import type { WatchedModel } from './scoring/watched.ts'
import type { Store } from './store/store.ts'
import { readHistory } from './training/history.ts'
import { readModes } from './training/mode-history.ts'
import type { TrainingAsset } from './training/proposal.ts'

/**
 * The names that models know the tags of an asset by: the last part of the tag, with its device before it where two
 * devices have the same name, and the names given in the configuration.
 */
export function namedTags({ tags, modelTags = {} }: AssetConfig): Record<string, TagId> {
  const shortName = (tag: TagId) => parseTagId(tag)?.name ?? tag
  const counts = Map.groupBy(tags, shortName)
  const named = tags.map((tag): [string, TagId] => {
    const name = shortName(tag)
    if (counts.get(name)?.length === 1) return [name, tag]
    return [`${parseTagId(tag)?.device ?? ''}/${name}`, tag]
  })
  return { ...Object.fromEntries(named), ...modelTags }
}

/** The model that speaks for the asset, as the console shows it; null: the asset has none. */
export function describeModel(
  scoring: Scoring,
  asset: { id: string; site: string },
  flow: Pick<Flow, 'latestScore' | 'filledAt'> | undefined,
): AssetDetail['model'] {
  const found = scoring.models().find((model) => model.asset === asset.id && model.isPrimary)
  if (!found) return null
  const { manifest, modelSha256, factor, version } = found
  return {
    name: manifest.name,
    version: String(version),
    trainedRows: countTrainedRows(manifest),
    threshold: manifest.threshold * factor,
    sha256: modelSha256,
    scoreTag: derivedTagId(asset.site, asset.id, 'Score'),
    ratioTag: derivedTagId(asset.site, asset.id, 'Ratio'),
    contributions: [...(flow?.latestScore(asset.id)?.contributions ?? [])],
    filled: findFilled(found.manifest, flow?.filledAt(asset.id)),
  }
}

/** Shorter than this nobody sees what is shown. */
const FILLED_MS = 60_000

/** Tags with a filled cell in the window of the present score, or in the scores of the last minute. */
function findFilled(
  { tags, windowRows, periodMs }: Manifest,
  filledAt: ReadonlyMap<string, number> = new Map(),
): string[] {
  const since = Date.now() - Math.max(FILLED_MS, windowRows * periodMs)
  return tags.map(({ name }) => name).filter((name) => (filledAt.get(name) ?? 0) >= since)
}

/** A pause of its scores that is none yet: three periods, as a value is held; undefined without a model. */
export function holeMsOf(watched: readonly WatchedModel[], asset: string): number | undefined {
  const own = watched.find((one) => one.asset === asset && one.isPrimary)
  return own && !('problem' in own.model) ? HOLD_PERIODS * own.model.manifest.periodMs : undefined
}

/** What the asset's models take for normal; null: the tag is in no model. */
export function normalOf(scoring: Scoring, asset: string, tag: TagId): number | null {
  for (const { tags, manifest, ...model } of scoring.models()) {
    if (model.asset !== asset) continue
    const name = Object.keys(tags).find((key) => tags[key] === tag)
    const known = manifest.tags.find((one) => one.name === name)
    if (known) return known.mean
  }
  return null
}

/** An asset with its tags that hold numbers, as they were born; a tag that was never born is taken for one. */
export function createTrainingAssets(
  { db }: Store,
  assets: readonly AssetConfig[],
): (id: string) => Promise<TrainingAsset | undefined> {
  return async (id) => {
    const asset = assets.find((one) => one.id === id)
    if (!asset) return undefined
    const { site } = asset
    const born = await db
      .selectFrom('tags')
      .select(['id', 'type', 'unit'])
      .where('site', '=', site)
      .execute()
    const byId = new Map(born.map((tag) => [tag.id, tag]))
    const named = Object.entries(namedTags(asset))
    const numeric = named.filter(([, tag]) => byId.get(tag)?.type !== 'String')
    const units = numeric.flatMap(([name, tag]): [string, string][] => {
      const unit = byId.get(tag)?.unit
      return unit ? [[name, unit]] : []
    })
    const modeTags = Object.fromEntries(named)
    const tags = Object.fromEntries(numeric)
    return { id, site, tags, units: Object.fromEntries(units), modeTags }
  }
}

/** Rows of a model's tags up to an instant, a value held for as long as it is live. */
export function createPastReader(
  historian: Historian,
): (model: ExplainedModel, at: number, rows: number) => Promise<PastRows> {
  return async ({ folder: { manifest }, tags, mode }, to, rows) => {
    const { periodMs } = manifest
    const from = to - (rows - 1) * periodMs
    const wanted = manifest.tags.flatMap(({ name }): [string, TagId][] => {
      const tag = tags[name]
      return tag ? [[name, tag]] : []
    })
    const query = { tags: Object.fromEntries(wanted), periods: [{ from, to }], stepMs: periodMs }
    const table = await readHistory(historian, query)
    const grid = createRows(table, periodMs)
    const count = grid?.count ?? 0
    const at = Float64Array.from(
      { length: count },
      (_, row) => (grid?.startAt ?? 0) + row * periodMs,
    )
    if (!grid || !mode) return { at, values: grid?.values ?? new Float64Array() }
    const modes = await readModes(historian, mode, at)
    return { at, values: keepMode(grid, settleModes(modes), mode.value).values }
  }
}
