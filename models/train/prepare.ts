/** From a table to what the detectors are fitted on: a grid, its stretches without gaps, and the step of each tag. */
import { Fault } from '../../protocol/kit/fault.ts'
import { createTrainingRows, findPeriod, findSegments, pickColumns, type Rows } from './grid.ts'
import { findComputed, findResolutions, findSlowDrift, findTimingSteps } from './scaling.ts'
import type { Table } from './table.ts'
import type { TableOptions } from './train-options.ts'

/** Fewer rows of normal operation than this say nothing about what is normal. */
export const MIN_ROWS = 300

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
  /** Fault 'model.not-trainable' in words. */
  refuse: (problem: string) => Fault
}

/** Throws Fault 'model.not-trainable'. */
export function prepare(table: Table, options: TableOptions): Source {
  const refuse = (problem: string) =>
    new Fault('model.not-trainable', { file: table.file, problem })
  for (const name of [...Object.keys(options.resolution ?? {}), ...(options.keep ?? [])])
    if (!table.names.includes(name)) throw refuse(`${name} is spoken of, but is no column`)
  if (table.names.length === 0) throw refuse('it has no tag')
  const whole = createTrainingRows(table, options.periodMs ?? findPeriod(table))
  if (!whole) throw refuse('its time range is far too long for the period')
  const from = table.at?.[0] ?? null
  const drifting = findSlowDrift(whole, findSegments(whole))
  const isSlow = table.names.map((name, i) => drifting[i] && !options.keep?.includes(name))
  const pick = (wanted: (i: number) => boolean): Prepared =>
    prepareTags(options, { whole, names: table.names, from }, wanted)
  if (isSlow.filter((slow) => !slow).length < 2) return { alone: pick(() => true), refuse }
  const together = pick((i) => !isSlow[i])
  return isSlow.includes(true)
    ? { together, alone: pick((i) => isSlow[i] === true), refuse }
    : { together, refuse }
}

interface Whole {
  whole: Rows
  names: readonly string[]
  from: number | null
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
    Math.max(options.resolution?.[names[i] ?? ''] ?? step, timing[i] ?? 0),
  )
  const complete = segments.reduce((sum, [start, end]) => sum + end - start, 0)
  // The graph takes float32: the trainer must not learn from digits that live scoring does not have.
  const rows = { ...exact, values: exact.values.map(Math.fround) }
  return { rows, segments, complete, names, resolutions, from }
}

/** Relations that hold to nine digits in an export alarm on every rounded live value. */
function warnOfComputed({ resolution = {}, log }: TableOptions, names: readonly string[]): void {
  const tags = names.filter((name) => resolution[name] === undefined)
  if (tags.length > 0)
    log?.warn(
      { tags },
      'more digits than an instrument has: live steps are found from live rows, or give them with --resolution',
    )
}
