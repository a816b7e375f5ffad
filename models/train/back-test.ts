/** What a model would have said about history, by the code that scores: grid, windows, session, delays. */
import type { Manifest } from '../manifest.ts'
import { formatTop } from './score.ts'
import { type ScoredModel, type ScoredTable, scoreTable } from './score-table.ts'
import type { Table } from './table.ts'
import type { TrainRun } from './train-options.ts'

/** Points of the drawn series: more than a screen has pixels are not seen. */
const MAX_BUCKETS = 1000
const WEEK_MS = 7 * 24 * 3_600_000

export interface BackTestAlarm {
  from: number
  to: number
  /** Largest ratio. */
  peak: number
  /** `name+` or `name-` at the peak, broken hard rules before them. */
  topTags: string[]
}

export interface BackTest {
  from: number
  to: number
  /** Grid rows, and those of them without a score. */
  rows: number
  unknownRows: number
  alarms: BackTestAlarm[]
  /** Undefined where the history is shorter than an hour: a rate would be a guess. */
  alarmsPerWeek?: number
  /** By operating mode, the first seen first; left out for a model that knows no modes. */
  modes?: ModeResult[]
  /** Largest ratio per bucket; null: unknown. */
  series: { at: number[]; ratio: (number | null)[] }
}

/** What a back-test says of one operating mode. */
export interface ModeResult {
  mode: string
  /** Whether there is a model of it. */
  learned: boolean
  rows: number
  unknownRows: number
  /** Alarms that began in it. */
  alarms: number
}

/** Below this no rate is told. */
const MIN_RATE_MS = 3_600_000

/** Throws Fault 'table.invalid' when a tag of the model is missing, and the signal's reason. */
export async function runBackTest(
  model: ScoredModel,
  table: Table,
  run: TrainRun = {},
): Promise<BackTest> {
  const scored = await scoreTable(model, table, run)
  const { rows, scores } = scored
  const atRow = (row: number) => rows.startAt + row * rows.periodMs
  const alarms = findAlarms(scored, model.manifest)
  const known = scores.filter((one) => one !== undefined).length
  const knownMs = known * rows.periodMs
  return {
    from: atRow(0),
    to: atRow(Math.max(0, rows.count - 1)),
    rows: rows.count,
    unknownRows: rows.count - known,
    alarms,
    ...countByMode(scored, model.manifest),
    ...(knownMs < MIN_RATE_MS ? {} : { alarmsPerWeek: (alarms.length * WEEK_MS) / knownMs }),
    series: drawSeries(scored),
  }
}

function findAlarms({ rows, scores, breaches, alarms }: ScoredTable, manifest: Manifest) {
  const found: (BackTestAlarm & { last: number })[] = []
  alarms.forEach((on, row) => {
    if (!on) return
    const at = rows.startAt + row * rows.periodMs
    const score = scores[row]
    const ratio = score?.ratio ?? 0
    const open = found.at(-1)
    const topTags = [...(breaches[row] ?? []), ...(score ? formatTop(score, manifest) : [])]
    if (open?.last !== row - 1) {
      found.push({ from: at, to: at, peak: ratio, topTags, last: row })
    } else {
      if (ratio > open.peak) Object.assign(open, { peak: ratio, topTags })
      Object.assign(open, { to: at, last: row })
    }
  })
  return found.map(({ last: _, ...alarm }) => alarm)
}

function countByMode(
  { scores, alarms, modes }: ScoredTable,
  manifest: Manifest,
): Pick<BackTest, 'modes'> {
  if (!modes) return {}
  const learned = new Set(manifest.modes?.known.map(({ value }) => value))
  const found = new Map<string, ModeResult>()
  modes.forEach((mode, row) => {
    if (mode === undefined) return
    const none = { mode, learned: learned.has(mode), rows: 0, unknownRows: 0, alarms: 0 }
    const one = found.get(mode) ?? none
    one.rows++
    if (!scores[row]) one.unknownRows++
    if (alarms[row] && !alarms[row - 1]) one.alarms++
    found.set(mode, one)
  })
  return { modes: [...found.values()] }
}

function drawSeries({ rows, scores }: ScoredTable): BackTest['series'] {
  const size = Math.max(1, Math.ceil(rows.count / MAX_BUCKETS))
  const at: number[] = []
  const ratio: (number | null)[] = []
  for (let row = 0; row < rows.count; row += size) {
    const known = scores.slice(row, row + size).flatMap((one) => (one ? [one.ratio] : []))
    at.push(rows.startAt + row * rows.periodMs)
    ratio.push(known.length > 0 ? Math.max(...known) : null)
  }
  return { at, ratio }
}
