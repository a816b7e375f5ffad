/** What a model of remaining life is asked with and how its answer is read: by our features, or as it was trained elsewhere. */
import type { Values } from '../../session.ts'
import { createFeatures, type Life, MEAN_ROWS } from './life-features.ts'
import type { LifeManifest } from './life-manifest.ts'
import { fillFeatures } from './train-life.ts'

/** With a larger share of the input missing there is no number. */
const MAX_MISSING_SHARE = 0.5
/** As far back as the longest of our own features looks: what was read before it says nothing of the machine now. */
export const HELD_STEPS = Math.max(...MEAN_ROWS)

export interface LifeInput {
  values: Values
  /** Of one input. */
  shape: number[]
}

/** Of the life as it is now; `{ problem }` in words when it says too little. */
export function createLifeInput(
  { external, fill, precision }: Pick<LifeManifest, 'external' | 'fill' | 'precision'>,
  life: Life,
): LifeInput | { problem: string } {
  const rows = external?.windowRows
  if (rows !== undefined && life.count < rows)
    return { problem: `Watched for too short: ${life.count} of ${rows} steps.` }
  const cells = rows === undefined ? createFeatures(life, 1) : holdOn(life, rows)
  const missing = cells.filter(Number.isNaN).length
  if (missing > MAX_MISSING_SHARE * cells.length)
    return { problem: 'Too many of its tags were not read lately.' }
  const values = fillFeatures(cells, { fill, precision })
  const isCube = rows !== undefined && !external?.flat
  return { values, shape: isCube ? [1, rows, life.width] : [1, values.length] }
}

/** The last rows; an empty step has the value of the last one before it, unless that is too long ago. */
function holdOn({ values, width, count }: Life, rows: number): Float64Array {
  const held = new Float64Array(width).fill(Number.NaN)
  const heldAt = new Int32Array(width)
  const out = new Float64Array(rows * width)
  for (let row = 0; row < count; row++)
    for (let tag = 0; tag < width; tag++) {
      const cell = values[row * width + tag] ?? Number.NaN
      if (!Number.isNaN(cell)) {
        held[tag] = cell
        heldAt[tag] = row
      } else if (row - (heldAt[tag] ?? 0) > HELD_STEPS) held[tag] = Number.NaN
      const at = row - (count - rows)
      if (at >= 0) out[at * width + tag] = held[tag] ?? Number.NaN
    }
  return out
}

export interface LifeAnswer {
  /** In the model's units of time: hours for one that was trained elsewhere. */
  rul: number
  low: number
  high: number
}

/** `numberOf`: the first number of an output. NaN where the model answers none. */
export function readLifeAnswer(
  { external, outputs, cap }: Pick<LifeManifest, 'external' | 'outputs' | 'cap'>,
  numberOf: (output: string) => number,
): LifeAnswer {
  const answer = (role: string) => {
    const name = outputs[role]
    return name === undefined ? undefined : numberOf(name) * (external?.hoursPerUnit ?? 1)
  }
  const rul = answer('rul') ?? Number.NaN
  if (!external)
    return { rul, low: answer('low') ?? Number.NaN, high: answer('high') ?? Number.NaN }
  const { low: before = Number.NaN, high: after = Number.NaN } = external.error ?? {}
  const within = (value: number) => Math.min(cap, Math.max(0, value))
  return {
    rul: within(rul),
    low: within(answer('low') ?? rul - before),
    high: within(answer('high') ?? rul + after),
  }
}
