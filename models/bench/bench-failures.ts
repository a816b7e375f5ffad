/** Known failures on the hydraulic rig: cycles in which one part alone is worn, cut into cases, named by models that have not seen them. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Judgement, judgeFailures } from '../train/failures/judge-failures.ts'
import type { Example } from '../train/failures/reference-distance.ts'
import {
  findOwnNormal,
  MAX_WINDOWS,
  measureWindow,
  standardise,
  WINDOW_ROWS,
} from '../train/failures/windows.ts'
import { findBenchData, readNumbers } from './bench-data.ts'

/** Columns of profile.txt, and each as new. */
const PARTS = ['cooler', 'valve', 'pump', 'accumulator'] as const
const AS_NEW = [100, 100, 0, 130]
/** Neighbouring cycles of one state that stand for a case, and the fewest. */
const CASE_CYCLES = 4
const LEAST_CYCLES = 3
/** Cases of a run of one state: a run of hours is one trouble, not forty. */
const CASES_A_RUN = 6
const CASES_A_PART = 7

export interface FailureFigures extends Judgement {
  /** Class 0 is the rig as new. */
  classes: string[]
}

export async function benchFailures(seed = 1): Promise<FailureFigures> {
  const folder = findBenchData('hydraulic')
  const profile = await readNumbers(join(folder, 'profile.txt'))
  const files = (await readdir(folder)).filter((name) => name.endsWith('.txt.gz')).sort()
  const sensors: number[][][] = []
  for (const file of files) sensors.push(await readNumbers(join(folder, file)))
  const classes = ['', ...PARTS]
  const windows = pickCases(cutCases(profile)).flatMap(({ part, cycles }, stretch) =>
    measureCase(sensors, cycles).map((raw) => ({ raw, label: classes.indexOf(part), stretch })),
  )
  const normal = findOwnNormal(windows.flatMap(({ raw, label }) => (label === 0 ? [raw] : [])))
  const examples = windows.map(({ raw, label, stretch }): Example => {
    return { stretch: String(stretch), label, features: standardise(raw, normal) }
  })
  return { classes, ...judgeFailures(examples, { classes: classes.length, seed }) }
}

interface RigCase {
  /** '' is as new. */
  part: string
  cycles: number[]
}

/** Runs of one state in which at most one part is worn, in pieces. */
function cutCases(profile: readonly number[][]): RigCase[] {
  const stateOf = (cycle: number) => (profile[cycle] ?? []).slice(0, PARTS.length)
  const runs = Object.values(
    Object.groupBy(profile.keys(), (cycle) => {
      let first = cycle
      while (first > 0 && stateOf(first - 1).join() === stateOf(cycle).join()) first--
      return first
    }),
  )
  return runs.flatMap((cycles = []) => {
    const state = stateOf(cycles[0] ?? 0)
    const worn = PARTS.filter((_, part) => state[part] !== AS_NEW[part])
    if (worn.length > 1) return []
    const pieces = Array.from({ length: CASES_A_RUN }, (_, i) =>
      cycles.slice(i * CASE_CYCLES, (i + 1) * CASE_CYCLES),
    )
    const whole = pieces.filter((piece) => piece.length >= LEAST_CYCLES)
    return whole.map((piece) => ({ part: worn[0] ?? '', cycles: piece }))
  })
}

/** Evenly over the whole recording. */
function pickCases(cases: readonly RigCase[]): RigCase[] {
  return [...Map.groupBy(cases, ({ part }) => part).values()].flatMap((own) => {
    const step = Math.max(1, Math.floor(own.length / (CASES_A_PART - 1)))
    return own.filter((_, i) => i % step === 0).slice(0, CASES_A_PART)
  })
}

/** Raw features of windows that lie anywhere in the load cycle, as live ones do. */
function measureCase(sensors: readonly number[][][], cycles: readonly number[]): Float64Array[] {
  const width = sensors.length
  const rows = cycles.length * WINDOW_ROWS
  const values = new Float64Array(rows * width)
  cycles.forEach((cycle, i) => {
    for (let row = 0; row < WINDOW_ROWS; row++)
      sensors.forEach((sensor, tag) => {
        values[(i * WINDOW_ROWS + row) * width + tag] = sensor[cycle]?.[row] ?? Number.NaN
      })
  })
  const step = Math.floor((rows - WINDOW_ROWS) / (MAX_WINDOWS - 1))
  return Array.from({ length: MAX_WINDOWS }, (_, i) => i * step).flatMap((from) => {
    const window = values.slice(from * width, (from + WINDOW_ROWS) * width)
    const found = measureWindow({ width, values: window })
    return 'features' in found ? [found.features] : []
  })
}

if (import.meta.main) console.log(JSON.stringify(await benchFailures()))
