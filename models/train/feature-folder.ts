/** Writes the folder of a model on features: model, card, golden vectors, and the manifest last. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Expectation } from './feature-session.ts'

/** Rows of features with the trainer's own answers, so that any runtime can be checked anywhere. */
const GOLDEN_ROWS = 5
const TOLERANCE = 1e-3

export interface FeatureFolder {
  bytes: Uint8Array
  manifest: { outputs: Record<string, string> }
  card: string
  /** What the graph was checked against. */
  expectation: Expectation
}

export async function writeFeatureFolder(out: string, folder: FeatureFolder): Promise<void> {
  const { bytes, manifest, card, expectation } = folder
  const golden = createGolden(Object.values(manifest.outputs), expectation)
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'model.onnx'), bytes)
  await writeFile(join(out, 'card.md'), card)
  await writeFile(join(out, 'golden.json'), `${JSON.stringify(golden)}\n`)
  await writeFile(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Evenly spread rows; a missing feature (NaN) is null. Answers below `size` are compared with it (1 when left out). */
export function createGolden(
  names: readonly string[],
  { features, rows, expected, size }: Expectation,
) {
  const cut = (values: ArrayLike<number>, row: number) => {
    const width = values.length / rows
    return Array.from({ length: width }, (_, i) => values[row * width + i] ?? Number.NaN)
  }
  const chosen = Array.from({ length: Math.min(GOLDEN_ROWS, rows) }, (_, i) =>
    Math.floor((i * rows) / GOLDEN_ROWS),
  )
  const vectors = [...new Set(chosen)].map((row) => ({
    features: cut(features, row),
    outputs: Object.fromEntries(names.map((name, i) => [name, cut(expected[i] ?? [], row)])),
  }))
  return { tolerance: TOLERANCE, ...(size === undefined ? {} : { size }), vectors }
}
