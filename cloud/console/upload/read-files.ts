/** The two files of an upload, as the API takes them. */
import type { UploadRequest } from '../../../protocol/api-models.ts'

/** The API takes 48 MB of base64. */
export const maxOnnxBytes = 36 * 1024 * 1024

/** Base64 of a file's bytes. */
export async function readBase64(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  let binary = ''
  // In slices: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 32_768)
    binary += String.fromCharCode(...bytes.subarray(at, at + 32_768))
  return btoa(binary)
}

/** Null: it is no JSON object. */
export async function readManifest(file: Blob): Promise<UploadRequest['manifest'] | null> {
  try {
    const value: unknown = JSON.parse(await file.text())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/** Of remaining life: its interval comes with it, and no limit is to be found. */
export function isLife(manifest: UploadRequest['manifest'] | null): boolean {
  const kind: unknown = manifest && 'kind' in manifest ? manifest.kind : undefined
  return kind === 'remaining-life' || kind === 'health-index'
}
