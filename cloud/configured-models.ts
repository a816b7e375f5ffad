/** The models that the configuration names are entered in the registry at the first start that sees them. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { innerFileNames } from '../models/inner-models.ts'
import { countTrainedRows, type Manifest, readModelFolder } from '../models/manifest.ts'
import type { Modes } from '../models/modes.ts'
import { NORMAL_FILE } from '../models/train/normal-rows.ts'
import { type LifeManifest, readLifeFolder } from '../models/train/rul/life-manifest.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import { hashModelFiles, type ModelFiles } from './registry/model-files.ts'
import type { NewModel, Registry } from './registry/registry.ts'
import type { ModelFacts, ModelVersion } from './registry/version.ts'

/** `shipped:NAME` means a model that comes with the product. */
const SHIPPED = 'shipped:'
const SHIPPED_DIR = resolve(import.meta.dirname, '..', 'models', 'shipped')
/** Stands as the author of versions that nobody registered by hand. */
const CONFIGURATION = 'configuration'
/** Beside a model of tags that hold their level lies, where it was trained, one of the others. */
const DRIFTING = 'drifting'
/** And one of the remaining life. */
const LIFE = 'life'
const FILES = ['model.onnx', 'manifest.json', 'card.md', 'golden.json', NORMAL_FILE]

/** Throws Fault 'model.bad-file' or 'model.bad-manifest' when a configured folder cannot be used. */
export async function registerConfiguredModels(
  registry: Registry,
  { assets, baseDir }: { assets: readonly AssetConfig[]; baseDir: string },
): Promise<void> {
  for (const asset of assets) {
    const { model } = asset
    if (model === undefined) continue
    const isShipped = model.startsWith(SHIPPED)
    const dir = isShipped
      ? resolve(SHIPPED_DIR, model.slice(SHIPPED.length))
      : resolve(baseDir, model)
    const source = isShipped ? 'shipped' : 'uploaded'
    const known = await registry.list({ asset: asset.id })
    await registerFolder(registry, asset, { dir, source, known })
    const beside = join(dir, DRIFTING)
    if (await readIfThere(join(beside, 'manifest.json')))
      await registerFolder(registry, asset, { dir: beside, source, known })
    const life = join(dir, LIFE)
    if (await readIfThere(join(life, 'manifest.json')))
      await registerLife(registry, asset, { dir: life, source, known })
  }
}

interface ConfiguredFolder {
  dir: string
  source: NewModel['source']
  known: readonly ModelVersion[]
}

async function registerFolder(
  registry: Registry,
  { id: asset, site }: AssetConfig,
  { dir, source, known }: ConfiguredFolder,
): Promise<void> {
  const { manifest } = await readModelFolder(dir)
  const files = await readFiles(dir, innerFileNames(manifest))
  if (isKnown(known, files)) return
  const { kind, name } = manifest
  const active = known.find((version) => version.kind === kind && version.stage === 'active')
  // What a person made active stays so; a newer file of the configuration replaces an older one of it.
  const mayReplace = active === undefined ? known.length === 0 : active.createdBy === CONFIGURATION
  const stage = mayReplace && !dir.endsWith(DRIFTING) ? 'active' : 'shadow'
  const facts = factsOf(manifest)
  const rest = { asset, site, name, kind, source, facts, files }
  await registry.register({ ...rest, stage, periods: [], createdBy: CONFIGURATION })
}

async function registerLife(
  registry: Registry,
  { id: asset, site }: AssetConfig,
  { dir, source, known }: ConfiguredFolder,
): Promise<void> {
  const { manifest } = await readLifeFolder(dir)
  const files = await readFiles(dir)
  if (isKnown(known, files)) return
  const active = known.find((version) => version.kind === 'life' && version.stage === 'active')
  const stage = active && active.createdBy !== CONFIGURATION ? 'shadow' : 'active'
  const rest = { asset, site, name: manifest.name, source, facts: factsOfLife(manifest) } as const
  await registry.register({
    ...rest,
    kind: 'life',
    stage,
    periods: [],
    createdBy: CONFIGURATION,
    files,
  })
}

/** By all files: a training that changed one mode only is a new one. */
function isKnown(known: readonly ModelVersion[], files: ModelFiles): boolean {
  const hash = hashModelFiles(files)
  return known.some(({ filesSha256 }) => filesSha256 === hash)
}

async function readFiles(
  dir: string,
  more: readonly string[] = [],
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {}
  for (const name of [...FILES, ...more]) {
    const bytes = await readIfThere(join(dir, name))
    if (bytes) files[name] = bytes
  }
  return files
}

/** What lists show of a model of remaining life. */
export function factsOfLife(manifest: LifeManifest): ModelFacts {
  const { training, step, tags, metrics, external } = manifest
  const trainedRows = training.rows
  // What a model learned from elsewhere is not here.
  const dataHash = external ? null : training.hash
  return { trainedRows, periodMs: step * 3_600_000, threshold: null, tags, metrics, dataHash }
}

/** What lists show of a detector. */
export function factsOf(manifest: Manifest): ModelFacts {
  const { training, periodMs, threshold, tags, metrics, modes } = manifest
  return {
    trainedRows: countTrainedRows(manifest),
    periodMs,
    threshold,
    ...(modes && { modes: describeModes(modes) }),
    tags: tags.map(({ name }) => name),
    metrics,
    dataHash: training.hash,
  }
}

function describeModes({ tag, known, tooFew }: Modes): ModelFacts['modes'] {
  return {
    tag,
    known: known.map(({ value, rows, threshold }) => ({ value, rows, threshold })),
    tooFew,
  }
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch {
    // A card or golden vectors may be missing; what must be there was read and checked before.
    return undefined
  }
}
