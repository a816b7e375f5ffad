/** What must survive a power cut: the configuration in force, the one on trial, how the last one ended; old or new, never half. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'
import { configReasons } from '../../protocol/api-gateway-config.ts'
import { hashText } from './devices-text.ts'

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const Kept = Type.Object({
  version: Type.Integer(),
  /** Name of the file with its text, in the same folder. */
  file: Type.String({ pattern: '^version-[0-9]+-[0-9a-f]{8}\\.yaml$' }),
  /** SHA-256 of that file. */
  sha256: Type.String(),
  /** Hash of the devices of the site's file when it was sent: a file edited since then counts more. */
  siteHash: Type.String(),
})
export type KeptVersion = Static<typeof Kept>

const State = Type.Object({
  /** Null: the site's own file. */
  present: nullable(Kept),
  pending: nullable(Kept),
  last: nullable(
    Type.Object({
      version: Type.Integer(),
      outcome: Type.Enum(['confirmed', 'reverted']),
      why: nullable(Type.Enum([...configReasons])),
      say: Type.String(),
    }),
  ),
})
export type RemoteState = Static<typeof State>

export const NOTHING_SENT: RemoteState = { present: null, pending: null, last: null }

const STATE_FILE = 'state.json'

export interface StateFile {
  /** Undefined: there is one and it cannot be read. */
  read(): Promise<RemoteState | undefined>
  /** Durable when it resolves; the files that no state names any more are gone. */
  write(state: RemoteState): Promise<void>
  /** Durable when it resolves; answers its file. The former text is not touched. */
  keepText(version: number, text: string): Promise<Pick<KeptVersion, 'file' | 'sha256'>>
  /** Undefined: it is not what was kept. */
  readText(kept: KeptVersion): Promise<string | undefined>
}

/** Keeps everything in one folder, made when needed. */
export function createStateFile(dir: string): StateFile {
  return {
    async read() {
      const text = await readFile(join(dir, STATE_FILE), 'utf8').catch(ifAbsent)
      if (text === undefined) return NOTHING_SENT
      const state = parseJson(text)
      return Check(State, state) ? state : undefined
    },
    async write(state) {
      await writeDurably(dir, STATE_FILE, JSON.stringify(state))
      const named = [STATE_FILE, state.present?.file, state.pending?.file]
      for (const name of await readdir(dir)) {
        if (!named.includes(name)) await rm(join(dir, name), { force: true })
      }
    },
    async keepText(version, text) {
      const sha256 = hashText(text)
      const file = `version-${version}-${sha256.slice(0, 8)}.yaml`
      await writeDurably(dir, file, text)
      return { file, sha256 }
    },
    async readText({ file, sha256 }) {
      const text = await readFile(join(dir, file), 'utf8').catch(ifAbsent)
      return text !== undefined && hashText(text) === sha256 ? text : undefined
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}

/** Beside the old one, on disk, then in its place in one step, then the step itself on disk. */
async function writeDurably(dir: string, name: string, text: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const fresh = join(dir, `${name}.new`)
  {
    await using handle = await open(fresh, 'w', 0o600)
    await handle.writeFile(text)
    await handle.sync()
  }
  await rename(fresh, join(dir, name))
  await using folder = await open(dir, 'r')
  await folder.sync()
}
