/** What is left of an asset: by its active models of remaining life, beside the wear of its parts. */
import { Errors } from 'typebox/value'
import { type LifeManifest, LifeManifestSchema } from '../models/train/rul/life-manifest.ts'
import { Fault } from '../protocol/kit/fault.ts'
import type { TagId } from '../protocol/model.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import { namedTags } from './models-of.ts'
import type { ModelFiles } from './registry/model-files.ts'
import type { Registry } from './registry/registry.ts'
import {
  estimateLife,
  type LifeItem,
  type LifeQuestion,
  type MeanSource,
} from './scoring/life-estimate.ts'
import type { Store } from './store/store.ts'

/** Lives are days and weeks: an estimate of the last minutes is one of now. */
const FRESH_MS = 600_000
/** The history looked through for the first sample. */
const LOOK_BACK_MS = 400 * 86_400_000
const LOOK_BACK_POINTS = 2_000

export interface LifeOptions {
  store: Store
  registry: Registry
  history: MeanSource
  assets: readonly AssetConfig[]
  run: LifeQuestion['run']
}

export interface LifeReader {
  /** A model that cannot be used says why instead of a number. */
  itemsOf(asset: string, now: number): Promise<LifeItem[]>
  /** Every asset whose service should be ordered by now; the fingerprint is the same for one life of it. */
  findDue(now: number): Promise<{ asset: string; fingerprint: string; title: string }[]>
}

interface Estimate {
  item: LifeItem
  /** When something was exchanged last; 0: never. */
  exchangedAt: number
}

export function createLifeReader(options: LifeOptions): LifeReader {
  const kept = new Map<string, Estimate>()

  async function estimates(asset: AssetConfig, now: number): Promise<[string, Estimate][]> {
    const versions = await options.registry.list({ asset: asset.id })
    const found: [string, Estimate][] = []
    for (const { id, kind, stage } of versions) {
      if (kind !== 'life' || stage !== 'active') continue
      const known = kept.get(id)
      const isFresh = known !== undefined && now - known.item.at < FRESH_MS
      const own = isFresh ? known : await estimate(options, { asset, id, now })
      kept.set(id, own)
      found.push([id, own])
    }
    return found
  }

  return {
    async itemsOf(id, now) {
      const asset = options.assets.find((one) => one.id === id)
      return asset ? (await estimates(asset, now)).map(([, { item }]) => item) : []
    },
    async findDue(now) {
      const due = []
      for (const asset of options.assets)
        for (const [id, { item, exchangedAt }] of await estimates(asset, now)) {
          if (item.orderBy === null || item.orderBy > now) continue
          const title = `Service due: ${asset.name}, by the model ${item.what}`
          due.push({ asset: asset.id, fingerprint: `life:${id}:${exchangedAt}`, title })
        }
      return due
    },
  }
}

async function estimate(
  { store, registry, history, run }: LifeOptions,
  { asset, id, now }: { asset: AssetConfig; id: string; now: number },
): Promise<Estimate> {
  const tags = namedTags(asset)
  const exchangedAt = await findExchange(store, asset.id)
  try {
    const files = await registry.load(id)
    const manifest = parseLifeManifest(files, id)
    const own = manifest.tags.flatMap((name) => tags[name] ?? [])
    const from = Math.max(exchangedAt, await findFirst(history, own, now))
    const model = { manifest, bytes: files['model.onnx'] ?? new Uint8Array(), tags }
    return { item: await estimateLife(model, history, { from, now, run }), exchangedAt }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const nothing = { health: null, end: null, orderBy: null }
    return { item: { what: asset.name, source: 'life', at: now, text, ...nothing }, exchangedAt }
  }
}

/** Throws Fault 'model.bad-manifest'. */
export function parseLifeManifest(files: ModelFiles, file: string): LifeManifest {
  const value: unknown = JSON.parse(new TextDecoder().decode(files['manifest.json']))
  const [first] = Errors(LifeManifestSchema, value)
  if (!first) return value as LifeManifest
  const where = first.instancePath === '' ? 'top level' : first.instancePath
  throw new Fault('model.bad-manifest', { file, where, problem: first.message })
}

/** When its last part was exchanged, by a closed case that names one. */
async function findExchange({ db }: Store, asset: string): Promise<number> {
  const exchanged = await db
    .selectFrom('labels')
    .select(({ fn }) => fn.max('at').as('at'))
    .where('asset', '=', asset)
    .where('part', 'is not', null)
    .executeTakeFirst()
  return exchanged?.at ?? 0
}

async function findFirst(
  history: MeanSource,
  tags: readonly TagId[],
  now: number,
): Promise<number> {
  let first = now
  const span = { from: now - LOOK_BACK_MS, to: now, points: LOOK_BACK_POINTS }
  for (const tag of tags)
    first = Math.min(first, (await history.range({ tag, ...span }))[0]?.at ?? now)
  return first
}
