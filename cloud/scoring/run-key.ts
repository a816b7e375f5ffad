/** Names a file together with how it is read: a foreign file may stand under several manifests, each with a limit of its own. */
import { sha256Hex } from '../../models/manifest.ts'
import type { RunnableModel, SessionShape } from '../../models/session.ts'

/** A manifest is read once and never edited. */
const known = new WeakMap<SessionShape, string>()

/** Begins with the hash of the file; assets with equal manifests share the rest, and so one run. */
export function runKeyOf({ manifest, sha256 }: Pick<RunnableModel, 'manifest' | 'sha256'>): string {
  const reading =
    known.get(manifest) ?? sha256Hex(new TextEncoder().encode(JSON.stringify(manifest)))
  known.set(manifest, reading)
  return `${sha256} ${reading}`
}
