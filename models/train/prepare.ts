/** From a table to what the detectors are fitted on: a grid, its stretches without gaps, and the step of each tag. */
import { Fault } from '../../protocol/kit/fault.ts'
import { MAX_NAME_LENGTH, MAX_TAGS } from '../manifest.ts'
import { createTrainingRows, findPeriod, findSegments, pickColumns, type Rows } from './grid.ts'
import {
  findComputed,
  findResolutions,
  findSlowDrift,
  findTimingSteps,
  needsDouble,
} from './scaling.ts'
import type { Table } from './table.ts'
import type { TableOptions } from './train-options.ts'

/** Fewer rows of normal operation than this say nothing about what is normal. */
export const MIN_ROWS = 300

/** Rows nearer than this are days of a spreadsheet read as seconds, unless somebody says the period. */
const MIN_FOUND_MS = 1

export interface Prepared {
  rows: Rows
  /** Stretches of complete rows. */
  segments: [number, number][]
  /** Number of complete rows. */
  complete: number
  names: string[]
  resolutions: Float64Array
  /** Instant of the first row; null where the table has no time. */
  from: number | null
}

export interface Source {
  /** Tags that are looked at together; undefined when fewer than two of them hold their level. */
  together?: Prepared
  /** The others: slow drifting ones, or all there are. */
  alone?: Prepared
  /** At most so many rows before each are looked at; as many as the rows can carry when left out. */
  maxLags?: number
  /** Of the windows in the rows, those that the threshold is for, by their last row; all when left out. */
  isOwn?: (end: number) => boolean
  /** On the threshold. */
  margin?: number
  /** Of a one-tag detector: it is one of several by mode, and a change of mode breaks every bound of a history. */
  withoutRules?: boolean
  /** Fault 'model.not-trainable' in words. */
  refuse: Refuse
}

type Refuse = (problem: string) => Fault

/** All tags on one grid. */
export interface Whole {
  whole: Rows
  names: readonly string[]
  from: number | null
}

/** Throws Fault 'model.not-trainable'. */
export function prepare(table: Table, options: TableOptions): Source {
  const refuse = createRefusal(table)
  checkTable(table, options)
  const whole = createTrainingRows(table, options.periodMs ?? findPeriod(table))
  if (!whole) throw refuse('its time range is far too long for the period')
  const { names, at } = table
  const isSlow = findSlow({ whole, names, from: at?.[0] ?? null }, options)
  return splitTags({ whole, names, from: at?.[0] ?? null }, { options, isSlow, refuse })
}

export function createRefusal({ file }: Table): Refuse {
  return (problem) => new Fault('model.not-trainable', { file, problem })
}

/** Throws Fault 'model.not-trainable' for what no training can be made of, whatever the values are. */
export function checkTable(
  table: Table,
  { resolution = {}, keep = [], periodMs }: TableOptions,
): void {
  const refuse = createRefusal(table)
  for (const name of [...Object.keys(resolution), ...keep])
    if (!table.names.includes(name)) throw refuse(`${name} is spoken of, but is no column`)
  if (table.names.length === 0) throw refuse('it has no tag')
  if (periodMs !== undefined && !(periodMs > 0)) throw refuse('a period is longer than 0')
  if (periodMs === undefined && findPeriod(table) < MIN_FOUND_MS)
    throw refuse('its rows are less than a millisecond apart: are its times days? Write ISO 8601')
  if (table.names.length > MAX_TAGS)
    throw refuse(`it has ${table.names.length} tags; a model takes ${MAX_TAGS}`)
  const long = table.names.find((name) => name.length > MAX_NAME_LENGTH)
  if (long !== undefined)
    throw refuse(`the name ${long.slice(0, 40)}… is longer than ${MAX_NAME_LENGTH} characters`)
}

/** True per tag that drifts slowly and that nobody keeps. */
export function findSlow({ whole, names }: Whole, { keep = [] }: TableOptions): boolean[] {
  const drifting = findSlowDrift(whole, findSegments(whole))
  return names.map((name, i) => drifting[i] === true && !keep.includes(name))
}

interface Split {
  options: TableOptions
  isSlow: readonly boolean[]
  refuse: Refuse
}

/** Tags that hold their level on one side, slow ones on the other. */
export function splitTags(given: Whole, { options, isSlow, refuse }: Split): Source {
  const pick = (wanted: (i: number) => boolean): Prepared => prepareTags(options, given, wanted)
  if (isSlow.filter((slow) => !slow).length < 2) return { alone: pick(() => true), refuse }
  const together = pick((i) => !isSlow[i])
  return isSlow.includes(true)
    ? { together, alone: pick((i) => isSlow[i] === true), refuse }
    : { together, refuse }
}

function prepareTags(
  options: TableOptions,
  { whole, names: all, from }: Whole,
  wanted: (tag: number) => boolean,
): Prepared {
  const kept = all.map((_, i) => i).filter(wanted)
  const exact = pickColumns(whole, kept)
  const segments = findSegments(exact)
  const names = kept.map((i) => all[i] ?? '')
  const timing = findTimingSteps(exact, segments, options.timing ?? 0)
  const found = findResolutions(exact, segments)
  warnOfComputed(
    options,
    findComputed(exact, segments, found).map((i) => names[i] ?? ''),
  )
  const resolutions = found.map((step, i) =>
    Math.max(stepOf(options, names[i] ?? '') ?? step, timing[i] ?? 0),
  )
  const complete = segments.reduce((sum, [start, end]) => sum + end - start, 0)
  // A graph that takes float32 has no more digits live: the trainer must not learn from them.
  const rows = needsDouble(exact, segments)
    ? { ...exact, exact: true }
    : { ...exact, values: exact.values.map(Math.fround) }
  return { rows, segments, complete, names, resolutions, from }
}

/** The columns that leave the most rows incomplete, in words; a table without rows has none. */
export function describeGaps({ rows, names }: Prepared): string {
  const { width, count, values } = rows
  const known = names.map((name, tag) => {
    let cells = 0
    for (let i = tag; i < values.length; i += width) if (!Number.isNaN(values[i])) cells++
    return { name, cells }
  })
  const worst = known.filter(({ cells }) => cells < count).sort((a, b) => a.cells - b.cells)
  const words = worst.slice(0, 3).map(({ name, cells }) => `${name} is known in ${cells}`)
  return words.length === 0
    ? ''
    : ` (of ${count}: ${words.join(', ')}; leave out what is hardly ever there)`
}

/** A tag may have the name of something that every object has. */
function stepOf({ resolution = {} }: TableOptions, name: string): number | undefined {
  return Object.hasOwn(resolution, name) ? resolution[name] : undefined
}

/** Relations that hold to nine digits in an export alarm on every rounded live value. */
function warnOfComputed(options: TableOptions, names: readonly string[]): void {
  const { log } = options
  const tags = names.filter((name) => stepOf(options, name) === undefined)
  if (tags.length > 0)
    log?.warn(
      { tags },
      'more digits than an instrument has: live steps are found from live rows, or give them with --resolution',
    )
}
