/** Trains one model per operating mode: the same tags and rows a window in each, in one folder with the mode that has most. */
import { sha256Hex } from '../manifest.ts'
import { holdMsOf, MAX_MODES, type Modes } from '../modes.ts'
import { formatModesOfCard } from './card.ts'
import { chooseLags, SCORE_ROWS } from './detector.ts'
import { createTrainingRows, findPeriod, findSegments, type Rows } from './grid.ts'
import { addModeColumn, findModes, keepMode, settleModes, splitModeColumn } from './mode-rows.ts'
import { encodeManifest } from './model-folder.ts'
import { ONE_TAG_ROWS } from './one-tag.ts'
import { checkTable, createRefusal, findSlow, MIN_ROWS, splitTags } from './prepare.ts'
import type { Table } from './table.ts'
import type { TableOptions, TrainedFolder, TrainedTable, TrainRun } from './train-options.ts'
import { trainDrifting, trainSource } from './train-table.ts'

/** A stretch shorter than a window with all its lags teaches nothing. */
const WINDOW_ROWS = SCORE_ROWS + 2

interface Mode {
  value: string
  /** All others are gaps. */
  rows: Rows
  /** Rows in stretches that are long enough for a window. */
  count: number
  isSlow: boolean[]
}

interface ModeOptions extends TableOptions {
  /** What the table's modes are the values of. */
  modeTag: string
}

/**
 * Tags that drift slowly in most of the operation are set aside in every mode. Throws what `trainTable` throws, and
 * Fault 'model.not-trainable' when no mode has enough rows.
 */
export async function trainModes(
  table: Table,
  options: ModeOptions,
  run: TrainRun = {},
): Promise<TrainedTable> {
  const refuse = createRefusal(table)
  checkTable(table, options)
  const periodMs = options.periodMs ?? findPeriod(table)
  const { whole, modes, known, isSlow, windowRows, isAlone } = judgeModes(
    splitByMode(table, options, periodMs),
  )
  const width = isSlow.filter((slow) => !slow).length
  const maxLags = Math.min(...known.map(({ count }) => chooseLags(count, width)))
  const given = { names: table.names, from: table.at?.[0] ?? null }
  const trained: TrainedMode[] = []
  for (const [i, { value, rows }] of known.entries()) {
    const own = optionsOf(options, value, i)
    const source = splitTags({ ...given, whole: rows }, { options: own, isSlow, refuse })
    const phases = spread(run, { value, part: i, parts: known.length })
    trained.push({
      value,
      ...(await trainSource({ ...source, maxLags, withoutRules: true }, own, phases)),
    })
  }
  const [first, ...others] = trained
  if (!first)
    throw refuse(
      `no value of ${options.modeTag} has ${MIN_ROWS} rows in stretches of ${windowRows}`,
    )
  const all = splitTags({ ...given, whole }, { options, isSlow, refuse })
  const drifting = isAlone ? undefined : await trainDrifting(all, options, run)
  const tooFew = modes.filter((mode) => !known.includes(mode))
  const about = { tag: options.modeTag, holdMs: holdMsOf(periodMs), tooFew }
  return { ...joinModes(about, first, others), ...(drifting ? { drifting } : {}) }
}

/** Every mode with its rows, the one with most of them first. */
function splitByMode(
  table: Table,
  options: ModeOptions,
  periodMs: number,
): { whole: Rows; modes: Mode[] } {
  const refuse = createRefusal(table)
  const values = findModes(table)
  const { length } = values
  if (length === 0) throw refuse(`${options.modeTag} never says a mode`)
  if (length > MAX_MODES)
    throw refuse(`${options.modeTag} has ${length} different values; ${MAX_MODES} modes are taken`)
  const grid = createTrainingRows(addModeColumn(table, values), periodMs)
  if (!grid) throw refuse('its time range is far too long for the period')
  const { rows: whole, modes } = splitModeColumn(grid, values)
  const settled = settleModes(modes)
  const found = values.map((value): Mode => {
    const rows = keepMode(whole, settled, value)
    const count = countRows(rows, WINDOW_ROWS)
    const isSlow = findSlow({ whole: rows, names: table.names, from: null }, options)
    return { value, rows, count, isSlow }
  })
  return { whole, modes: found.sort(compareModes) }
}

const compareModes = (a: Mode, b: Mode) => b.count - a.count || (a.value < b.value ? -1 : 1)

function countRows(rows: Rows, windowRows: number): number {
  return findSegments(rows).reduce(
    (sum, [from, to]) => sum + (to - from < windowRows ? 0 : to - from),
    0,
  )
}

/**
 * Which modes can be learned. Where fewer than two tags hold their level within their mode each is watched by itself,
 * and the window of that detector is far longer: only stretches that hold one count.
 */
function judgeModes({ whole, modes }: { whole: Rows; modes: Mode[] }) {
  const isLongEnough = ({ count }: Mode) => count >= MIN_ROWS
  const known = modes.filter(isLongEnough)
  const isSlow = findMostlySlow(known)
  const isAlone = known.length > 0 && isSlow.filter((slow) => !slow).length < 2
  if (!isAlone) return { whole, modes, known, isSlow, isAlone, windowRows: WINDOW_ROWS }
  const counted = modes.map((mode) => ({ ...mode, count: countRows(mode.rows, ONE_TAG_ROWS) }))
  const own = counted.sort(compareModes).filter(isLongEnough)
  return { whole, modes: counted, known: own, isSlow, isAlone, windowRows: ONE_TAG_ROWS }
}

/** Set aside is what drifts in the modes that hold half of the rows or more. */
function findMostlySlow(modes: readonly Mode[]): boolean[] {
  const all = modes.reduce((sum, { count }) => sum + count, 0)
  return (modes[0]?.isSlow ?? []).map((_, tag) => {
    const slow = modes.reduce((sum, mode) => sum + (mode.isSlow[tag] ? mode.count : 0), 0)
    return 2 * slow >= all
  })
}

function optionsOf(options: ModeOptions, value: string, place: number): ModeOptions {
  const { name, modeTag, notes } = options
  const own = `Only rows in which ${modeTag} is "${value}".`
  return {
    ...options,
    name: place === 0 ? name : `${name}-mode-${place + 1}`,
    drifting: false,
    notes: [own, ...(notes ? [notes] : [])].join('\n\n'),
  }
}

/** The progress of one part as a share of all. */
function spread(
  run: TrainRun,
  { value, part, parts }: { value: string; part: number; parts: number },
): TrainRun {
  return {
    ...run,
    onProgress: (phase, fraction) =>
      run.onProgress?.(`mode ${value}: ${phase}`, (part + fraction) / parts),
  }
}

type TrainedMode = TrainedFolder & { value: string }

interface About {
  tag: string
  holdMs: number
  tooFew: readonly Mode[]
}

/** The folder of the first mode, with what it says of the others, and their folders inside of it. */
function joinModes(
  { tag, holdMs, tooFew }: About,
  { value, ...first }: TrainedMode,
  others: readonly TrainedMode[],
): TrainedTable {
  const folderOf = (place: number) => `modes/${place + 2}`
  const describe = ({ manifest: { training, threshold } }: TrainedFolder) => ({
    ...{ rows: training.rows, threshold },
  })
  const known = others.map((one, place) => ({
    ...{ value: one.value, ...describe(one), folder: folderOf(place) },
    manifest: sha256Hex(encodeManifest(one.manifest)),
  }))
  const modes: Modes = {
    ...{ tag, holdMs, known: [{ value, ...describe(first) }, ...known] },
    tooFew: tooFew.map((one) => ({ value: one.value, rows: one.count })),
  }
  return {
    ...first,
    // What it says of drift is the normal of its own mode: rows of the others are not asked about it.
    manifest: { ...first.manifest, modes },
    card: `${first.card}${formatModesOfCard(modes)}`,
    difference: Math.max(...[first, ...others].map((one) => one.difference)),
    inner: Object.fromEntries(others.map(({ value: _, ...one }, i) => [folderOf(i), one])),
  }
}
