/** Which asset is scored by which model, and what the rest of the cloud wants to know of it. */
import { resolve } from 'node:path'
import { readModelFolder } from '../models/manifest.ts'
import type { AssetDetail } from '../protocol/api.ts'
import { derivedTagId, parseTagId, type TagId } from '../protocol/model.ts'
import type { CloudConfig } from './config.ts'
import type { ScoredAsset, Scoring, ScoringResult } from './scoring/scoring.ts'

/** `shipped:NAME` means a model that comes with the product. */
const SHIPPED = 'shipped:'
const SHIPPED_DIR = resolve(import.meta.dirname, '..', 'models', 'shipped')

/** Every asset with a model, each tag of its manifest matched to a tag of the asset by name. */
export async function scoredAssets(config: CloudConfig): Promise<ScoredAsset[]> {
  const scored: ScoredAsset[] = []
  for (const { id, site, model, tags, modelTags = {} } of config.fleet.assets) {
    if (model === undefined) continue
    const modelDir = model.startsWith(SHIPPED)
      ? resolve(SHIPPED_DIR, model.slice(SHIPPED.length))
      : resolve(config.baseDir, model)
    const byName = new Map(tags.map((tag) => [parseTagId(tag)?.name ?? tag, tag]))
    const { manifest } = await readModelFolder(modelDir)
    const matched = manifest.tags.flatMap(({ name }) => {
      const tag = modelTags[name] ?? byName.get(name)
      return tag === undefined ? [] : [[name, tag] as const]
    })
    scored.push({ asset: id, site, modelDir, tags: Object.fromEntries(matched) })
  }
  return scored
}

/** The model as the console shows it; null: the asset has none. */
export function describeModel(
  scoring: Scoring,
  asset: { id: string; site: string },
  latest: ScoringResult | undefined,
): AssetDetail['model'] {
  const found = scoring.models().find((model) => model.asset === asset.id)
  if (!found) return null
  const { manifest, modelSha256 } = found
  return {
    name: manifest.name,
    version: String(manifest.version),
    trainedRows: manifest.training.rows,
    threshold: manifest.threshold,
    sha256: modelSha256,
    scoreTag: derivedTagId(asset.site, asset.id, 'Score'),
    ratioTag: derivedTagId(asset.site, asset.id, 'Ratio'),
    contributions: [...(latest?.contributions ?? [])],
  }
}

/** What the asset's model takes for normal; null: the tag is in no model. */
export function normalOf(
  scoring: Scoring,
  scored: readonly ScoredAsset[],
  asset: string,
  tag: TagId,
): number | null {
  const tags = scored.find((one) => one.asset === asset)?.tags ?? {}
  const name = Object.keys(tags).find((key) => tags[key] === tag)
  const manifest = scoring.models().find((model) => model.asset === asset)?.manifest
  return manifest?.tags.find((known) => known.name === name)?.mean ?? null
}
