/** A model that was trained elsewhere: tried on the asset's own data, calibrated on its normal periods, entered in shadow. */

import { isLifeUpload } from '../../models/external/life-upload.ts'
import { checkNoOutsideData } from '../../models/onnx/outside-data.ts'
import type { UploadRequest } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Audit } from '../audit/audit.ts'
import { readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'
import { dryRun } from './dry-run.ts'
import { parseExternalManifest } from './external-manifest.ts'
import { countRows, type HistorySource, readHistory } from './history.ts'
import { findStart, MAX_TRAIN_CELLS, notTrainable, type TrainingAsset } from './proposal.ts'
import type { NewVersion, Person } from './training.ts'
import { type NewLife, pickTags, uploadLife } from './upload-life.ts'
import { leaveWorkOut } from './without-work.ts'

export interface UploadParts {
  store: Pick<Store, 'db'>
  audit: Audit
  history: HistorySource
  assetOf(id: string): Promise<TrainingAsset | undefined>
  /** Enters a version in shadow; answers its id. */
  register(version: NewVersion): Promise<string>
  /** The same for a model of remaining life. */
  registerLife(version: NewLife): Promise<string>
  /** Unix ms. */
  now?(): number
}

/** Cells of history that are scored beside the calibration. */
const MAX_HISTORY_CELLS = 500_000
const BASE_64 = /^[A-Za-z0-9+/]+={0,2}$/

/** One at a time: each may take the memory it is allowed. */
export function createUpload(
  parts: UploadParts,
): (actor: Person, asset: string, wanted: UploadRequest) => Promise<string> {
  let busy = false
  return async (actor, id, wanted) => {
    if (busy) throw new Fault('training.full', { count: 1 })
    const bytes = decode(wanted.onnxBase64)
    checkNoOutsideData(bytes)
    busy = true
    try {
      return isLifeUpload(wanted.manifest)
        ? await uploadLife(parts, actor, { id, bytes, manifest: wanted.manifest })
        : await upload(parts, actor, { id, wanted, bytes })
    } finally {
      busy = false
    }
  }
}

async function upload(
  { store, audit, history, assetOf, register, now = Date.now }: UploadParts,
  { login }: Person,
  { id, wanted, bytes }: { id: string; wanted: UploadRequest; bytes: Uint8Array },
): Promise<string> {
  const asset = await assetOf(id)
  if (!asset) throw new Fault('object.missing', { id })
  const manifest = parseExternalManifest(wanted.manifest)
  const tags = pickTags(
    asset,
    manifest.tags.map(({ name }) => name),
  )
  const width = manifest.tags.length
  const { periods } = await leaveWorkOut(store, asset, wanted.periods)
  if (wanted.periods.length === 0)
    throw new Fault('request.invalid', { problem: 'a detector needs normal periods for its limit' })
  const rows = countRows(periods, manifest.periodMs)
  const most = Math.floor(MAX_TRAIN_CELLS / width)
  if (rows > most) throw notTrainable(asset, `the periods hold ${rows} rows, ${most} are taken`)
  const read = { tags, stepMs: manifest.periodMs }
  const normal = await readHistory(history, { ...read, periods })
  const to = now()
  const longest = to - Math.floor(MAX_HISTORY_CELLS / width) * manifest.periodMs
  const from = await findStart(history, Object.values(tags), { from: longest, to })
  const newest = await readHistory(history, { ...read, periods: [{ from, to }] })
  const work = await readPlannedWork(store, { asset: id, site: asset.site, from, to })
  const { versions } = await dryRun({ manifest, bytes, normal, history: newest, work })
  const [version] = versions
  if (!version) throw new Fault('training.failed', { problem: 'nothing came out' })
  await audit.append({
    ...{ actor: login, action: 'model.upload', object: id, site: asset.site, outcome: 'done' },
    detail: { name: manifest.name, sha256: version.manifest.files['model.onnx'] },
  })
  const rest = {
    asset,
    periods,
    createdBy: login,
    source: 'uploaded' as const,
  }
  return await register({ ...version, ...rest })
}

function decode(text: string): Uint8Array {
  if (!BASE_64.test(text))
    throw new Fault('request.invalid', { problem: 'onnxBase64 is not base 64' })
  return Buffer.from(text, 'base64')
}
