/** Reads a model folder for scoring: the model, the rows it was trained on, and the same for every mode or phase. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type InnerModel,
  innerFileNames,
  parseClusterModels,
  parseModeModels,
} from '../inner-models.ts'
import { readModelFolder } from '../manifest.ts'
import { decodeNormal, NORMAL_FILE } from './normal-rows.ts'
import type { ScoredModel } from './score-table.ts'

/** Throws Fault 'model.bad-file' or 'model.bad-manifest'. */
export async function readScoredModel(dir: string): Promise<ScoredModel> {
  const folder = await readModelFolder(dir)
  const { manifest } = folder
  const files = await readInnerFiles(dir, [NORMAL_FILE, ...innerFileNames(manifest)])
  const own = { ...folder, normal: files[NORMAL_FILE] }
  return {
    ...(await openModel(own)),
    modes: await openModes(parseModeModels(own, files, dir)),
    clusters: await openAll(parseClusterModels(own, files, dir)),
  }
}

/** The same of models whose files are in memory. */
export async function openModes(
  models: ReadonlyMap<string, InnerModel> | undefined,
): Promise<ReadonlyMap<string, ScoredModel> | undefined> {
  if (!models) return undefined
  const modes = new Map<string, ScoredModel>()
  for (const [value, model] of models) modes.set(value, await openModel(model))
  return modes
}

async function openAll(models: readonly InnerModel[] | undefined) {
  return models && (await Promise.all(models.map(openModel)))
}

async function openModel({ manifest, bytes, normal }: InnerModel): Promise<ScoredModel> {
  return { manifest, bytes, normal: normal && (await decodeNormal(normal, manifest)) }
}

/** Those that are there: what must be there is missed by whoever parses them. */
export async function readInnerFiles(
  dir: string,
  names: readonly string[],
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {}
  for (const name of names) {
    const bytes = await readFile(join(dir, name)).catch(() => undefined)
    if (bytes) files[name] = bytes
  }
  return files
}
