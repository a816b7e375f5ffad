/** From stretches of history to labelled windows: tags that are always there, each machine by its own normal. */
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Example } from './reference-distance.ts'
import type { FailureTable } from './train-failures.ts'
import {
  findOwnNormal,
  hasEnough,
  measureWindow,
  type OwnNormal,
  standardise,
  WINDOW_ROWS,
} from './windows.ts'

/** Stretches of normal operation of the machine that the model is for. */
export const LEAST_NORMAL_STRETCHES = 5
/** A tag that is missing in more windows than this part is left out: else the windows would be. */
const MOST_MISSING = 0.2

/** A case, or a stretch of normal operation, of one machine. */
export interface Stretch {
  id: string
  asset: string
  /** The mode; '' is normal operation. */
  label: string
  /** `[rows, tags]` each, NaN where nothing good was read. */
  windows: Float64Array[]
}

export interface FailureQuestion {
  name: string
  /** The machine that the model is for. */
  asset: string
  tags: readonly string[]
  periodMs: number
  stretches: readonly Stretch[]
  /** So many cases in each of so many modes are wanted. */
  wanted: { cases: number; modes: number }
  seed: number
  notes: string
}

/** Throws Fault 'model.not-trainable' with what is missing. */
export function createFailureTable(question: FailureQuestion): FailureTable {
  const { name, asset, periodMs, seed } = question
  const refuse = (problem: string) => new Fault('model.not-trainable', { file: name, problem })
  const kept = pickTags(question)
  const tags = kept.map((tag) => question.tags[tag] ?? '')
  if (tags.length === 0) throw refuse('no tag has values in the windows of the cases')
  const measured = question.stretches.map((one) => ({ ...one, found: measureAll(one, kept) }))
  const normals = findNormals(measured)
  const own = measured.filter((one) => one.asset === asset && one.label === '' && one.found.length)
  const normal = normals.get(asset)
  if (own.length < LEAST_NORMAL_STRETCHES || !normal)
    throw refuse(
      `${own.length} stretch(es) of normal operation; ${LEAST_NORMAL_STRETCHES} are needed`,
    )
  const usable = measured.filter((one) => normals.has(one.asset) && one.found.length > 0)
  const modes = pickModes(usable, question.wanted.cases)
  if (modes.length < question.wanted.modes)
    throw refuse(
      `${modes.length} failure mode(s) have ${question.wanted.cases} cases with good data; ${question.wanted.modes} are needed`,
    )
  const examples = usable.flatMap(({ id, asset: machine, label, found }): Example[] => {
    const place = label === '' ? 0 : modes.indexOf(label) + 1
    if (place === 0 && label !== '') return []
    const about = { stretch: id, label: place }
    return found.map((raw) => ({
      ...about,
      features: standardise(raw, normals.get(machine) ?? []),
    }))
  })
  return { name, tags, periodMs, modes, examples, normal, seed, notes: question.notes }
}

interface Measured extends Stretch {
  /** Raw features of its complete windows. */
  found: Float64Array[]
}

function pickTags({ tags, stretches }: FailureQuestion): number[] {
  const windows = stretches.flatMap((one) => one.windows)
  return tags.flatMap((_, tag) => {
    const missing = windows.filter((values) => !hasEnough({ width: tags.length, values }, tag))
    return missing.length > MOST_MISSING * windows.length ? [] : [tag]
  })
}

function measureAll({ windows }: Stretch, kept: readonly number[]): Float64Array[] {
  return windows.flatMap((values) => {
    const width = values.length / WINDOW_ROWS
    const own = new Float64Array(WINDOW_ROWS * kept.length)
    for (let row = 0; row < WINDOW_ROWS; row++)
      kept.forEach((tag, i) => {
        own[row * kept.length + i] = values[row * width + tag] ?? Number.NaN
      })
    const found = measureWindow({ width: kept.length, values: own })
    return 'features' in found ? [found.features] : []
  })
}

/** A machine without normal windows of its own has nothing to be compared with. */
function findNormals(measured: readonly Measured[]): Map<string, OwnNormal[]> {
  const normal = measured.filter(({ label, found }) => label === '' && found.length > 0)
  return new Map(
    [...Map.groupBy(normal, ({ asset }) => asset)].map(([asset, own]) => [
      asset,
      findOwnNormal(own.flatMap(({ found }) => found)),
    ]),
  )
}

function pickModes(usable: readonly Measured[], wanted: number): string[] {
  const byMode = Map.groupBy(
    usable.filter(({ label }) => label !== ''),
    ({ label }) => label,
  )
  return [...byMode].filter(([, own]) => own.length >= wanted).map(([mode]) => mode)
}
