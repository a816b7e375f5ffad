/** The manifest of a freshly trained detector, and the four files of its folder. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Manifest, sha256Hex, type TagRules } from '../manifest.ts'
import { INPUT_NAME, OUTPUT_NAMES } from './detector-graph.ts'
import type { Fitted } from './fitted.ts'
import type { Golden } from './golden.ts'
import { hashRows, NORMAL_FILE } from './normal-rows.ts'
import type { Prepared } from './prepare.ts'
import type { TableOptions } from './train-options.ts'

const ON_DELAY_MS = 5000
const OFF_DELAY_MS = 10_000
/** Processes ring down slowly from a hard fault: clear at a tenth of the peak. */
const PEAK_CLEAR = 0.1
/** A score that hovers at its threshold is one alarm, not ten. */
const DEADBAND = 0.1
/** Of an earlier training there may be more of them. */
const INNER = ['modes', 'clusters']

export interface Trained {
  kind: Manifest['kind']
  prepared: Prepared
  fitted: Fitted
  setAside: readonly string[]
  threshold: number
  metrics: Record<string, number>
  rules?: readonly TagRules[]
  drift?: Manifest['drift']
  /** The graph with these metadata inside. */
  encode: (metadata: Readonly<Record<string, string>>) => Uint8Array
}

/** The model's bytes and its manifest; same input, same bytes. */
export function describeModel(
  options: TableOptions,
  trained: Trained,
): { bytes: Uint8Array; manifest: Manifest } {
  const { prepared, fitted, threshold } = trained
  const { rows, names } = prepared
  const { name } = options
  const hash = hashRows(rows.values)
  const tags = JSON.stringify(names)
  const bytes = trained.encode({ name, tags, trainingHash: hash, threshold: `${threshold}` })
  const manifest: Manifest = {
    name,
    version: 1,
    kind: trained.kind,
    tags: describeTags(options, trained),
    setAside: trained.setAside.map((tag) => ({ name: tag, reason: 'slow-drift' })),
    periodMs: rows.periodMs,
    windowRows: fitted.windowRows,
    input: INPUT_NAME,
    ...(fitted.exact ? { precision: 'float64' as const } : {}),
    outputs: OUTPUT_NAMES,
    threshold,
    onDelayMs: ON_DELAY_MS,
    offDelayMs: OFF_DELAY_MS,
    peakClear: PEAK_CLEAR,
    deadband: DEADBAND,
    training: { rows: prepared.complete, from: prepared.from, hash, seed: options.seed },
    metrics: trained.metrics,
    ...(trained.drift ? { drift: trained.drift } : {}),
    files: { 'model.onnx': sha256Hex(bytes) },
  }
  return { bytes, manifest }
}

function describeTags({ units = {} }: TableOptions, { prepared, fitted, rules }: Trained) {
  return prepared.names.map((name, i) => ({
    name,
    ...(Object.hasOwn(units, name) ? { unit: units[name] } : {}),
    mean: fitted.mean[i] ?? 0,
    scale: fitted.scale[i] ?? 1,
    step: prepared.resolutions[i] ?? 0,
    ...(rules?.[i] === undefined ? {} : { rules: rules[i] }),
  }))
}

export interface Folder {
  bytes: Uint8Array
  manifest: Manifest
  card: string
  golden: Golden
  /** Content of `normal.f32.gz`. */
  normal?: Uint8Array
  /** Folders inside of it. */
  inner?: Readonly<Record<string, Folder>>
}

/** Content of `manifest.json`. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)
}

/** The manifest last: a folder with a manifest is whole. */
export async function writeFolder(out: string, folder: Folder): Promise<void> {
  const { bytes, manifest, card, golden, normal, inner = {} } = folder
  await mkdir(out, { recursive: true })
  for (const name of INNER) await rm(join(out, name), { recursive: true, force: true })
  for (const [name, own] of Object.entries(inner)) await writeFolder(join(out, name), own)
  await writeFile(join(out, 'model.onnx'), bytes)
  await writeFile(join(out, 'card.md'), card)
  await writeFile(join(out, 'golden.json'), `${JSON.stringify(golden)}\n`)
  if (normal) await writeFile(join(out, NORMAL_FILE), normal)
  else await rm(join(out, NORMAL_FILE), { force: true })
  await writeFile(join(out, 'manifest.json'), encodeManifest(manifest))
}
