/** A model of remaining life that was trained elsewhere, or by `mimamori train`: tried on the machine's own past, entered in shadow. */
import { parseLifeUpload, stepOf, tagsOf } from '../../models/external/life-upload.ts'
import type { LifeManifest } from '../../models/train/rul/life-manifest.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { TagId } from '../../protocol/model.ts'
import { dryRunLife } from './dry-run.ts'
import { readHistory } from './history.ts'
import { findStart, notTrainable, type TrainingAsset } from './proposal.ts'
import type { Person } from './training.ts'
import type { UploadParts } from './upload.ts'

export interface NewLife {
  asset: TrainingAsset
  manifest: LifeManifest
  files: Record<string, Uint8Array>
  createdBy: string
  source: 'uploaded'
}

/** Cells of the machine's past that it is tried on. */
const MAX_CELLS = 100_000
const HOUR_MS = 3_600_000
const encode = (text: string) => new TextEncoder().encode(text)

export async function uploadLife(
  { audit, history, assetOf, registerLife, now = Date.now }: UploadParts,
  { login }: Person,
  { id, bytes, manifest: given }: { id: string; bytes: Uint8Array; manifest: object },
): Promise<string> {
  const asset = await assetOf(id)
  if (!asset) throw new Fault('object.missing', { id })
  const upload = parseLifeUpload(given)
  const tags = pickTags(asset, tagsOf(upload))
  const stepMs = Math.round(stepOf(upload) * HOUR_MS)
  const to = now()
  const width = Object.keys(tags).length
  const longest = to - Math.floor(MAX_CELLS / width) * stepMs
  const from = await findStart(history, Object.values(tags), { from: longest, to })
  const { columns, rows } = await readHistory(history, { tags, periods: [{ from, to }], stepMs })
  const values = new Float64Array(rows * width)
  for (const [tag, column] of columns.entries())
    for (let row = 0; row < rows; row++) values[row * width + tag] = column[row] ?? Number.NaN
  const life = { unit: id, count: rows, width, values }
  const { manifest, card } = await dryRunLife({ upload, bytes, life })
  await audit.append({
    ...{ actor: login, action: 'model.upload', object: id, site: asset.site, outcome: 'done' },
    detail: { name: manifest.name, kind: 'life', sha256: manifest.files['model.onnx'] },
  })
  const files = {
    'model.onnx': bytes,
    'manifest.json': encode(`${JSON.stringify(manifest, null, 2)}\n`),
    'card.md': encode(card),
  }
  return await registerLife({ asset, manifest, files, createdBy: login, source: 'uploaded' })
}

/** In the order of the names. Throws Fault 'model.not-trainable' for one that the asset does not have. */
export function pickTags(asset: TrainingAsset, names: readonly string[]): Record<string, TagId> {
  return Object.fromEntries(
    names.map((name) => {
      const tag = asset.tags[name]
      if (tag === undefined) throw notTrainable(asset, `it has no tag "${name}" with numbers`)
      return [name, tag]
    }),
  )
}
