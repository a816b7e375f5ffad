/** The rows a detector was trained on, kept beside it: to train again at another step, or with more of what is normal. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'
import { type Manifest, sha256Hex } from '../manifest.ts'
import type { Rows } from './grid.ts'

/** File inside the model folder: float32 (float64 for a model of that precision) little-endian, row by row, NaN in a row that is a gap; gzipped. */
export const NORMAL_FILE = 'normal.f32.gz'
/** Larger trainings are not kept: 64 MiB are 400,000 rows of 40 tags. */
export const MAX_NORMAL_BYTES = 64 << 20

/** The file's bytes; undefined when the rows are too many to keep. */
export async function encodeNormal({ values, exact }: Rows): Promise<Uint8Array | undefined> {
  const size = exact ? 8 : 4
  if (values.length * size > MAX_NORMAL_BYTES) return undefined
  const raw = new DataView(new ArrayBuffer(values.length * size))
  values.forEach((value, i) => {
    if (exact) raw.setFloat64(i * 8, value, true)
    else raw.setFloat32(i * 4, value, true)
  })
  return await promisify(gzip)(new Uint8Array(raw.buffer))
}

/** The rows in that file; Fault 'model.bad-file' when they are not those that the manifest's training hash speaks of. */
export async function decodeNormal(
  packed: Uint8Array,
  { tags, periodMs, training, precision }: Manifest,
  file = NORMAL_FILE,
): Promise<Rows> {
  const refuse = (problem: string, cause?: unknown) =>
    new Fault('model.bad-file', { file, problem }, { cause })
  let raw: Uint8Array
  try {
    raw = await promisify(gunzip)(packed, { maxOutputLength: MAX_NORMAL_BYTES })
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error)
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const exact = precision === 'float64'
  const values = Float64Array.from({ length: raw.byteLength >> (exact ? 3 : 2) }, (_, i) =>
    exact ? view.getFloat64(i * 8, true) : view.getFloat32(i * 4, true),
  )
  if (hashRows(values) !== training.hash) throw refuse('it is not what the manifest was trained on')
  const count = values.length / tags.length
  const startAt = training.from ?? 0
  return { width: tags.length, count, values, startAt, periodMs, ...(exact ? { exact } : {}) }
}

/** SHA-256 of a training matrix: float64, row by row. */
export function hashRows(values: Float64Array): string {
  return sha256Hex(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}
