/** What is left of a machine, from its history since it was new: a remaining life with its interval, or a health index. */
import { sha256Hex } from '../../models/manifest.ts'
import type { Batch, RunnableModel, Values } from '../../models/session.ts'
import { createHealthFeatures, findTrend, TREND_ROWS } from '../../models/train/rul/health-index.ts'
import type { Life } from '../../models/train/rul/life-features.ts'
import {
  createLifeInput,
  type LifeAnswer,
  readLifeAnswer,
} from '../../models/train/rul/life-input.ts'
import type { LifeManifest } from '../../models/train/rul/life-manifest.ts'
import { fillFeatures } from '../../models/train/rul/train-life.ts'
import type { LifeView } from '../../protocol/api-models.ts'
import type { TagId } from '../../protocol/model.ts'

export type LifeItem = LifeView['items'][number]

export interface LifeModel {
  manifest: LifeManifest
  bytes: Uint8Array
  /** By the manifest's names. */
  tags: Readonly<Record<string, TagId>>
}

/** What an estimate needs of the store of samples. */
export interface MeanSource {
  range(query: {
    tag: TagId
    from: number
    to: number
    points: number
  }): Promise<{ at: number; mean: number | null }[]>
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Fewer steps say nothing about a life. */
const MIN_STEPS = 10
/** Two hundred are usual; this is a machine that outlives its model. */
const MAX_STEPS = 5_000
/** With a larger share of the features missing there is no number. */
const MAX_MISSING_SHARE = 0.5
/** Within this share of the cap a remaining life is "at least". */
const AT_LEAST_SHARE = 0.99
/** Parts and people need to be there before the early end. */
const ORDER_AHEAD_MS = 14 * DAY_MS

export interface LifeQuestion {
  /** When the machine, or what was exchanged in it, was new. */
  from: number
  now: number
  /** By the model thread: a file from elsewhere that hangs must not hold up the cloud. */
  run(model: RunnableModel, windows: Values, batch: number): Promise<Batch>
}

export async function estimateLife(
  model: LifeModel,
  source: MeanSource,
  { from, now, run }: LifeQuestion,
): Promise<LifeItem> {
  const { manifest } = model
  const isLife = manifest.kind === 'remaining-life'
  const nothing = (text: string): LifeItem => ({
    ...{ what: manifest.name, source: isLife ? 'life' : 'health', at: now, health: null },
    ...{ end: null, text, orderBy: null },
  })
  if (manifest.timeUnit !== 'h')
    return nothing('This model counts in units of its own: train it on histories with dates.')
  const missing = manifest.tags.find((name) => model.tags[name] === undefined)
  if (missing) return nothing(`The asset has no tag for "${missing}".`)
  const life = await readLife(model, source, { from, now })
  if (life.count < MIN_STEPS)
    return nothing(`Watched for too short: ${life.count} of ${MIN_STEPS} steps.`)
  if (isLife) {
    const asked = createLifeInput(manifest, life)
    if ('problem' in asked) return nothing(asked.problem)
    const results = await ask(model, run, { values: asked.values, rows: 1 })
    const numberOf = (name: string) => results.get(name)?.[0] ?? Number.NaN
    return describeLife(nothing, { now, manifest }, readLifeAnswer(manifest, numberOf))
  }
  const rows = Math.min(life.count, TREND_ROWS)
  const features = createHealthFeatures(life, rows)
  if (isMostlyMissing(features.subarray(-features.length / rows)))
    return nothing('Too many of its tags were not read lately.')
  const values = fillFeatures(features, manifest)
  const [name = ''] = Object.values(manifest.outputs)
  const health = (await ask(model, run, { values, rows })).get(name)
  return describeHealth(nothing, health ?? new Float32Array(), manifest.step)
}

/** Its outputs by name; they travel as score, ratio and contributions of a batch. */
async function ask(
  { manifest, bytes }: LifeModel,
  run: LifeQuestion['run'],
  { values, rows }: { values: Values; rows: number },
): Promise<Map<string, Float32Array>> {
  const { input, external, precision } = manifest
  const [score = '', ratio = score, contributions = score] = Object.values(manifest.outputs)
  const windowRows = external?.windowRows ?? 1
  const tags = Array.from({ length: values.length / rows / windowRows }, () => ({}))
  const shape = { input, outputs: { score, ratio, contributions }, windowRows, tags, precision }
  const batch = await run({ manifest: shape, bytes, sha256: sha256Hex(bytes) }, values, rows)
  return new Map([
    [contributions, batch.contributions],
    [ratio, batch.ratio],
    [score, batch.score],
  ])
}

/** Means per step, the first step around the beginning. */
async function readLife(
  { manifest, tags }: LifeModel,
  source: MeanSource,
  { from, now }: { from: number; now: number },
): Promise<Life> {
  const stepMs = Math.max(1, Math.round(manifest.step * HOUR_MS))
  const count = Math.min(MAX_STEPS, Math.floor((now - from) / stepMs) + 1)
  const start = now - (count - 1) * stepMs - Math.round(stepMs / 2)
  const width = manifest.tags.length
  const values = new Float64Array(count * width).fill(Number.NaN)
  for (const [i, name] of manifest.tags.entries()) {
    const tag = tags[name]
    if (tag === undefined) continue
    const span = { from: start, to: start + count * stepMs }
    for (const { at, mean } of await source.range({ tag, ...span, points: count }))
      values[Math.round((at - start) / stepMs) * width + i] = mean ?? Number.NaN
  }
  return { unit: '', count, width, values }
}

function isMostlyMissing(features: Float64Array): boolean {
  return features.filter(Number.isNaN).length > MAX_MISSING_SHARE * features.length
}

type Nothing = (text: string) => LifeItem

function describeLife(
  nothing: Nothing,
  { now, manifest }: { now: number; manifest: LifeManifest },
  { rul, low, high }: LifeAnswer,
): LifeItem {
  if (![rul, low, high].every(Number.isFinite)) return nothing('The model answered no number.')
  const instant = (hours: number) => Math.round(now + hours * HOUR_MS)
  const isAtLeast = rul >= AT_LEAST_SHARE * manifest.cap
  const isOpen = high >= AT_LEAST_SHARE * manifest.cap
  const early = instant(low)
  const text = isAtLeast
    ? `At least ${inDays(low)}: not to be told from a healthy machine.`
    : `About ${inDays(rul)}, ${isOpen ? `at least ${inDays(low)}` : `${inDays(low)} to ${inDays(high)}`} (90 %).`
  return {
    ...nothing(text),
    end: { early, expected: instant(rul), late: isOpen ? null : instant(high) },
    orderBy: isAtLeast ? null : Math.max(now, early - ORDER_AHEAD_MS),
  }
}

function describeHealth(nothing: Nothing, values: Float32Array, step: number): LifeItem {
  const last = values.at(-1) ?? Number.NaN
  if (!Number.isFinite(last)) return nothing('The model answered no number.')
  const perWeek = (findTrend(values) / step) * 24 * 7
  const trend = Number.isFinite(perWeek)
    ? `, ${perWeek < 0 ? '' : '+'}${perWeek.toFixed(2)} a week`
    : ''
  const text = `Health ${last.toFixed(2)} (0 new, 1 where known failures were)${trend}. Too few failures are known for a date.`
  return { ...nothing(text), health: Math.min(1, Math.max(0, last)) }
}

function inDays(hours: number): string {
  return hours < 48 ? `${hours.toFixed(0)} h` : `${(hours / 24).toFixed(0)} days`
}
