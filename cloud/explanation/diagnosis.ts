/** Which known failure an alarm looks like, by a model of labelled cases; it never raises or clears one. */

import type { Batch, RunnableModel } from '../../models/session.ts'
import type { FailureManifest } from '../../models/train/failures/failure-manifest.ts'
import { averageRows, type Looks, medianRows } from '../../models/train/failures/fit-failures.ts'
import { decide, NONE, NORMAL } from '../../models/train/failures/verdict.ts'
import { measureWindow, standardise } from '../../models/train/failures/windows.ts'
import type { FailureView } from '../../protocol/api-explanation.ts'
import type { ModelStage } from '../../protocol/api-models.ts'
import type { TagId } from '../../protocol/model.ts'
import type { Span } from './level-changes.ts'

const MAX_CANDIDATES = 3
/** Less likely than this is not worth a line. */
const LEAST_PROBABILITY = 0.05

/** A version with its files, checked, and the tags of its asset in their order. */
export interface FailureModel {
  id: string
  asset: string
  version: number
  stage: ModelStage
  sha256: string
  manifest: FailureManifest
  bytes: Uint8Array
  tags: Readonly<Record<string, TagId>>
}

export interface DiagnosisParts {
  /** Windows of the span as it is looked at live, `[rows, tags]` each, NaN where nothing good was read. */
  windowsOf(model: FailureModel, span: Span): Promise<Float64Array[]>
  run(model: RunnableModel, windows: Float32Array, batch: number): Promise<Batch>
  /** The operating mode of the instant, when none of the cases it learned from was in it. */
  unseenMode?(model: FailureModel, at: number): Promise<string | undefined>
}

export type Saying = Pick<
  FailureView,
  'state' | 'mode' | 'probability' | 'candidates' | 'reason'
> & {
  windows: number
}

/** Whatever goes wrong is "unknown" with its reason. */
export async function diagnose(
  parts: DiagnosisParts,
  model: FailureModel,
  span: Span,
): Promise<Saying> {
  try {
    const { manifest } = model
    const features: Float32Array[] = []
    const windows = await parts.windowsOf(model, span)
    for (const [i, values] of windows.entries()) {
      const found = measureWindow({ width: manifest.tags.length, values })
      if ('features' in found) features.push(standardise(found.features, manifest.normal))
      else if (i === windows.length - 1)
        return unknown(`${manifest.tags[found.tag]} has too few good values`)
    }
    if (features.length === 0) return unknown('there are no rows of this time')
    const looks = await look(parts, model, features)
    if (!looks) return unknown('the model answered no number')
    const saying = say(manifest, looks, features.length)
    // Unlike every case, because none was in this mode: that says nothing about the failure.
    const mode = saying.state === 'none' ? await parts.unseenMode?.(model, span.from) : undefined
    return mode === undefined ? saying : unknown(`no known case was in mode "${mode}"`)
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error))
  }
}

function unknown(reason: string): Saying {
  return {
    ...{ state: 'unknown', mode: null, probability: null, candidates: [], reason, windows: 0 },
  }
}

/** By the model thread: the two outputs travel as contributions and score of a batch. */
async function look(
  { run }: DiagnosisParts,
  { manifest, bytes, sha256 }: FailureModel,
  features: readonly Float32Array[],
): Promise<Looks | undefined> {
  const { input, outputs } = manifest
  const shape = {
    input,
    outputs: {
      score: outputs.strangeness,
      ratio: outputs.strangeness,
      contributions: outputs.shares,
    },
    windowRows: 1,
    tags: manifest.features.map(() => ({})),
  }
  const all = new Float32Array(features.length * manifest.features.length)
  features.forEach((row, i) => {
    all.set(row, i * manifest.features.length)
  })
  const batch = await run({ manifest: shape, bytes, sha256 }, all, features.length)
  const classes = manifest.classes.length
  const rows = (values: Float32Array) =>
    features.map((_, i) => Array.from(values.subarray(i * classes, (i + 1) * classes)))
  const [shares, strange] = [rows(batch.contributions), rows(batch.score)]
  const isWhole = [...shares, ...strange].every(
    (row) => row.length === classes && row.every(Number.isFinite),
  )
  return isWhole ? { shares: averageRows(shares), strangeness: medianRows(strange) } : undefined
}

function say({ classes, leastShare }: FailureManifest, looks: Looks, windows: number): Saying {
  const { said, isStrange } = decide(looks, leastShare)
  const probabilityOf = (label: number) => (looks.shares[label] ?? 0) * (classes[label]?.trust ?? 0)
  const candidates = classes
    .map(({ name }, label) => ({ mode: name, label, probability: probabilityOf(label) }))
    .filter(({ label }) => label !== NORMAL && (looks.strangeness[label] ?? 1) < 1)
    .filter(({ probability }) => probability >= LEAST_PROBABILITY)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MAX_CANDIDATES)
    .map(({ mode, probability }) => ({ mode, probability }))
  const nothing = { mode: null, probability: null, reason: null, windows }
  if (said === NONE) {
    const isBetween = !isStrange && candidates.length > 0
    return { ...nothing, state: isBetween ? 'unclear' : 'none', candidates }
  }
  const probability = probabilityOf(said)
  if (said === NORMAL) return { ...nothing, state: 'normal', probability, candidates }
  return { ...nothing, state: 'named', mode: classes[said]?.name ?? '', probability, candidates }
}
