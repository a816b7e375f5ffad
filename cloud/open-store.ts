/** Opens the relational state the configuration asks for: SQLite in the data folder, or PostgreSQL. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CloudConfig } from './config.ts'
import { openStore, type Store } from './store/store.ts'

/** The data folder, made when it is missing. */
export async function ensureDataDir(config: CloudConfig): Promise<string> {
  const dir = resolve(config.baseDir, config.dataDir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return dir
}

/** Throws Fault of the store when it cannot be opened or is of a newer version. */
export async function openConfiguredStore(config: CloudConfig): Promise<Store> {
  const url = config.store.urlEnv === undefined ? undefined : process.env[config.store.urlEnv]
  if (url) return await openStore({ url })
  return await openStore({ file: join(await ensureDataDir(config), 'state.sqlite') })
}
