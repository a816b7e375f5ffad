/** Writes the demo's configuration files; the owner alone may read them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Ports } from './places.ts'

/** Everything of the demo listens here. */
export const HOST = '127.0.0.1'

export interface ConfigOptions {
  dataDir: string
  ports: Ports
  /** Of the console. */
  port: number
}

/** Each value becomes one YAML file of that name. */
export async function writeConfigFiles(dir: string, files: Record<string, unknown>): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(dir, name), stringify(value), { mode: 0o600 })
  }
}
