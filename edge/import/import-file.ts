/** `mimamori edge import`: a foreign gateway's file in, our configuration and a report out. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Fault } from '../../protocol/kit/fault.ts'
import { formatImported, type Imported, type ImportOptions } from './imported.ts'
import { importTelegraf } from './telegraf.ts'
import { importThingsboard } from './thingsboard.ts'

const importers = {
  telegraf: importTelegraf,
  thingsboard: importThingsboard,
} as const satisfies Record<string, (text: string, options: ImportOptions) => Imported>

export type ImportKind = keyof typeof importers

/** Throws Fault 'config.unreadable', or 'config.invalid' with the line of what is no TOML or JSON. */
export async function importFile(
  kind: ImportKind,
  path: string,
  namespaces: ImportOptions['namespaces'],
): Promise<{ config: string; report: string }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new Fault('config.unreadable', { file: path }, { cause: error })
  }
  const file = basename(path)
  return formatImported(importers[kind](text, { file, namespaces }), file)
}
