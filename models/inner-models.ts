/** The models inside a model folder, of its operating modes or phases: which files they are, and each with its hashes checked. */
import { Fault } from '../protocol/kit/fault.ts'
import { type Manifest, type ModelFolder, parseManifest, sha256Hex } from './manifest.ts'
import { NORMAL_FILE } from './train/normal-rows.ts'

/** A model of one mode or phase; its manifest is that of an ordinary model. */
export interface InnerModel extends ModelFolder {
  /** `normal.f32.gz` as it lies in the folder. */
  normal?: Uint8Array
}

/** The files of the models inside the folder, as paths within it; the kept rows may be missing. */
export function innerFileNames({ modes, clusters }: Manifest): string[] {
  const names = ['manifest.json', 'model.onnx', 'card.md', 'golden.json', NORMAL_FILE]
  return [...(modes?.known ?? []), ...(clusters?.known ?? [])].flatMap(({ folder }) =>
    folder === undefined ? [] : names.map((name) => `${folder}/${name}`),
  )
}

type Files = Readonly<Record<string, Uint8Array>>

/**
 * Every mode's model by its value, the folder's own among them; undefined for a model that knows no modes. `where`
 * names the folder. Throws Fault 'model.bad-file' or 'model.bad-manifest'.
 */
export function parseModeModels(
  own: InnerModel,
  files: Files,
  where: string,
): ReadonlyMap<string, InnerModel> | undefined {
  const { modes } = own.manifest
  if (!modes) return undefined
  return new Map(
    modes.known.map(({ value, folder, manifest = '' }) => [
      value,
      folder === undefined ? own : parseInner(own, { files, where, folder, manifest }),
    ]),
  )
}

/** The models of the phases in their order; undefined for a model that knows none. As above. */
export function parseClusterModels(
  own: InnerModel,
  files: Files,
  where: string,
): readonly InnerModel[] | undefined {
  return own.manifest.clusters?.known.map(({ folder, manifest }) =>
    parseInner(own, { files, where, folder, manifest }),
  )
}

interface Inner {
  files: Files
  where: string
  folder: string
  /** SHA-256 of its manifest. */
  manifest: string
}

function parseInner(own: InnerModel, { files, where, folder, manifest: hash }: Inner): InnerModel {
  const file = `${where}/${folder}/manifest.json`
  const refuse = (problem: string) => new Fault('model.bad-file', { file, problem })
  const text = files[`${folder}/manifest.json`]
  const bytes = files[`${folder}/model.onnx`]
  if (!text || !bytes) throw refuse('the manifest or its model is not there')
  if (sha256Hex(text) !== hash) throw refuse('its SHA-256 is not the one in the manifest above')
  const manifest = parseManifest(new TextDecoder().decode(text), file)
  const sha256 = sha256Hex(bytes)
  if (sha256 !== manifest.files['model.onnx'])
    throw refuse('the SHA-256 of the model is not the one in the manifest')
  if (!hasSameInput(manifest, own.manifest))
    throw refuse('it does not look at the same tags and rows as the model above')
  return { manifest, bytes, sha256, normal: files[`${folder}/${NORMAL_FILE}`] }
}

/** One window serves all modes of an asset. */
function hasSameInput(one: Manifest, other: Manifest): boolean {
  return (
    one.kind === other.kind &&
    one.periodMs === other.periodMs &&
    one.windowRows === other.windowRows &&
    one.tags.length === other.tags.length &&
    one.tags.every(({ name }, i) => name === other.tags[i]?.name)
  )
}
