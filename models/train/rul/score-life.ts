/** Remaining life, or health and its trend, of every unit of a table at its last row. */
import { Fault } from '../../../protocol/kit/fault.ts'
import { writeText } from '../csv-text.ts'
import { type FeatureSession, openFeatureSession } from '../feature-session.ts'
import { createHealthFeatures, findTrend, TREND_ROWS } from './health-index.ts'
import { readHistories } from './histories.ts'
import type { Life } from './life-features.ts'
import { createLifeInput, readLifeAnswer } from './life-input.ts'
import { type LifeManifest, readLifeFolder } from './life-manifest.ts'
import { fillFeatures } from './train-life.ts'

/** With a larger share of the features missing there is no number. */
const MAX_MISSING_SHARE = 0.5

export interface ScoreLifeOptions {
  model: string
  in: string
  out: string
  /** Where the columns have other names than in training. */
  unitColumn?: string
  timeColumn?: string
}

export interface ScoreLifeResult {
  kind: LifeManifest['kind']
  units: number
  /** Units with too little data for a number. */
  unknown: number
}

/** Writes `unit,rul,rul_lo,rul_hi`; a health index leaves these empty and adds `health,trend_per_time`. */
export async function scoreLife(options: ScoreLifeOptions): Promise<ScoreLifeResult> {
  const { manifest, bytes } = await readLifeFolder(options.model)
  const { lives, timeUnit } = await readHistories({
    file: options.in,
    unit: options.unitColumn ?? manifest.unitColumn,
    time: options.timeColumn ?? manifest.timeColumn,
    tags: manifest.tags,
    step: manifest.step,
  })
  checkTimeUnit(options, manifest, timeUnit)
  const outputs = Object.values(manifest.outputs)
  await using session = await openFeatureSession({
    ...{ bytes, outputs, input: manifest.input },
    precision: manifest.precision,
  })
  const isLife = manifest.kind === 'remaining-life'
  const lines = [isLife ? 'unit,rul,rul_lo,rul_hi' : 'unit,rul,rul_lo,rul_hi,health,trend_per_time']
  let unknown = 0
  for (const life of lives) {
    const figures = await (isLife ? estimate : measureHealthNow)(session, manifest, life)
    if (!figures) unknown++
    const cells = figures ?? new Array<string>(isLife ? 3 : 5).fill('')
    lines.push([quote(life.unit), ...cells].join(','))
  }
  await writeText(options.out, `${lines.join('\n')}\n`)
  return { kind: manifest.kind, units: lives.length, unknown }
}

async function estimate(session: FeatureSession, manifest: LifeManifest, life: Life) {
  const input = createLifeInput(manifest, life)
  if ('problem' in input) return undefined
  const names = Object.values(manifest.outputs)
  const results = await session.run(input.values, 1, input.shape)
  const numberOf = (name: string) => results[names.indexOf(name)]?.[0] ?? Number.NaN
  const { rul, low, high } = readLifeAnswer(manifest, numberOf)
  return [rul, low, high].map(format)
}

async function measureHealthNow(session: FeatureSession, manifest: LifeManifest, life: Life) {
  const rows = Math.min(life.count, TREND_ROWS)
  const features = createHealthFeatures(life, rows)
  if (isMostlyMissing(features.subarray(-features.length / rows))) return undefined
  const [health = new Float32Array()] = await session.run(fillFeatures(features, manifest), rows)
  const trend = findTrend(health) / manifest.step
  return ['', '', '', format(health.at(-1)), Number.isNaN(trend) ? '' : format(trend)]
}

/** A cycle counter is no hour: the same life would be taken for one of another length. */
function checkTimeUnit(
  { in: file, timeColumn }: ScoreLifeOptions,
  manifest: LifeManifest,
  found: LifeManifest['timeUnit'],
): void {
  if (found === manifest.timeUnit) return
  const kinds = { own: 'plain numbers', h: 'dates' }
  const problem = `the model was trained with ${kinds[manifest.timeUnit]} here, and these are ${kinds[found]}`
  const column = timeColumn ?? manifest.timeColumn
  throw new Fault('table.invalid', { file, row: 2, column, problem })
}

function isMostlyMissing(features: Float64Array): boolean {
  const missing = features.filter((value) => Number.isNaN(value)).length
  return missing > MAX_MISSING_SHARE * features.length
}

const format = (value = Number.NaN): string => String(Number(value.toPrecision(6)))

const quote = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
