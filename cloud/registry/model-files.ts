/** The files of a registered version: written once, whole or not at all, signed, and checked whenever they are read. */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256Hex } from '../../models/manifest.ts'

/** Beside the files it vouches for. */
const SIGNATURE = 'signature.jws'
/** A folder that is being written; what is left of one after a crash is swept at the next start. */
const UNFINISHED = '.new-'
export const MODEL_FILE = 'model.onnx'

/** Signs what it is given, and says what a signature of its own was given. */
export interface Signer {
  sign(claims: object): Promise<string>
  /** Undefined: not signed by this key. */
  verify(signature: string): Promise<unknown>
}

export type ModelFiles = Readonly<Record<string, Uint8Array>>

/** Who the files belong to: signed with them, so that one version's files cannot stand in for another's. */
export interface Owner {
  id: string
  asset: string
}

interface Claims extends Owner {
  /** SHA-256 by file name. */
  files: Record<string, string>
}

/** Texts and examples beside the model and its manifest: not what it speaks by. */
const aside = /(?:^|\/)(?:card\.md|golden\.json|backtest\.json)$/

/** One hash of all files that the model speaks by, hex, those of its modes and phases among them. */
export function hashModelFiles(files: ModelFiles): string {
  const lines = Object.keys(files)
    .filter((name) => !aside.test(name))
    .sort()
    .map((name) => `${name} ${sha256Hex(files[name] ?? new Uint8Array())}\n`)
  return sha256Hex(new TextEncoder().encode(lines.join('')))
}

/** Writes the folder `dir/id`; it appears under its name when everything in it is on the disk. */
export async function writeModelFiles(
  dir: string,
  owner: Owner,
  { files, signer }: { files: ModelFiles; signer: Signer },
): Promise<void> {
  const hashes = Object.entries(files).map(([name, bytes]) => [name, sha256Hex(bytes)])
  const claims: Claims = { ...owner, files: Object.fromEntries(hashes) }
  const unfinished = join(dir, `${UNFINISHED}${owner.id}`)
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  const signature = new TextEncoder().encode(await signer.sign(claims))
  for (const [name, bytes] of Object.entries({ ...files, [SIGNATURE]: signature })) {
    await mkdir(dirname(join(unfinished, name)), { recursive: true, mode: 0o700 })
    await using file = await open(join(unfinished, name), 'wx', 0o400)
    await file.writeFile(bytes)
    await file.datasync()
  }
  await rename(unfinished, join(dir, owner.id))
}

/** Removes what a crash left half written. */
export async function sweepModelFiles(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  for (const name of await readdir(dir)) {
    if (name.startsWith(UNFINISHED)) await rm(join(dir, name), { recursive: true, force: true })
  }
}

export async function removeModelFiles(dir: string, id: string): Promise<void> {
  await rm(join(dir, id), { recursive: true, force: true })
}

/** Folders that no row knows, older than this: a crash left them between row and folder. Answers their names. */
export async function removeOrphans(
  dir: string,
  { known, before }: { known: ReadonlySet<string>; before: number },
): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(dir)) {
    if (!name.startsWith('mdl_') || known.has(name)) continue
    if ((await stat(join(dir, name))).mtimeMs >= before) continue
    await removeModelFiles(dir, name)
    removed.push(name)
  }
  return removed
}

/** The files, every hash checked against the signature; or in words what is wrong with them. */
export async function readModelFiles(
  dir: string,
  owner: Owner,
  signer: Signer,
): Promise<{ files: ModelFiles } | { problem: string }> {
  const folder = join(dir, owner.id)
  const signature = await readIfThere(join(folder, SIGNATURE))
  if (!signature) return { problem: 'its signature is missing' }
  const claims = (await signer.verify(new TextDecoder().decode(signature))) as Claims | undefined
  if (!claims) return { problem: 'its signature was not made here' }
  if (claims.id !== owner.id || claims.asset !== owner.asset) {
    return { problem: 'its signature is that of another version' }
  }
  const files: Record<string, Uint8Array> = {}
  for (const [name, hash] of Object.entries(claims.files)) {
    const bytes = await readIfThere(join(folder, name))
    if (!bytes) return { problem: `${name} is missing` }
    if (sha256Hex(bytes) !== hash) return { problem: `${name} was changed` }
    files[name] = bytes
  }
  return { files }
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch {
    // Missing or unreadable: either way the version cannot be used, and the caller says so.
    return undefined
  }
}
