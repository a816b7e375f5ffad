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
  /** Left out where none was planned. */
  maintenance?: MaintenanceResult
  /** By operating mode, the first seen first; left out for a model that knows no modes. */
  modes?: ModeResult[]
  /** Largest ratio per bucket; null: unknown. */
  series: { at: number[]; ratio: (number | null)[] }
}

/** When the machine was worked on, as planned: its alarms are out of service then. */
export interface Work {
  from: number
  /** Exclusive. */
  to: number
  text: string
}

/** What a back-test says of planned maintenance. */
export interface MaintenanceResult {
  windows: Work[]
  /** Alarms that came and went in it: shown, and counted nowhere. */
  alarms: BackTestAlarm[]
}

export interface BackTestRun extends TrainRun {
  work?: readonly Work[]
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
  { work = [], ...run }: BackTestRun = {},
): Promise<BackTest> {
  const scored = await scoreTable(model, table, run)
  const { rows, scores } = scored
  const atRow = (row: number) => rows.startAt + row * rows.periodMs
  const worked = markWork(scored, work)
  const found = findAlarms(scored, { manifest: model.manifest, worked })
  const alarms = found.flatMap(({ inWork, alarm }) => (inWork ? [] : [alarm]))
  const aside = found.flatMap(({ inWork, alarm }) => (inWork ? [alarm] : []))
  const known = scores.filter((one) => one !== undefined).length
  const served = scores.filter((one, row) => one !== undefined && !worked[row]).length
  const servedMs = served * rows.periodMs
  return {
    from: atRow(0),
    to: atRow(Math.max(0, rows.count - 1)),
    rows: rows.count,
    unknownRows: rows.count - known,
    alarms,
    ...(work.length === 0 ? {} : { maintenance: { windows: [...work], alarms: aside } }),
    ...countByMode(scored, { manifest: model.manifest, worked }),
    ...(servedMs < MIN_RATE_MS ? {} : { alarmsPerWeek: (alarms.length * WEEK_MS) / servedMs }),
    series: drawSeries(scored),
  }
}

/** By grid row. */
function markWork({ rows }: ScoredTable, work: readonly Work[]): boolean[] {
  const worked = new Array<boolean>(rows.count).fill(false)
  const rowOf = (at: number) => Math.ceil((at - rows.startAt) / rows.periodMs)
  for (const { from, to } of work)
    worked.fill(true, Math.max(0, rowOf(from)), Math.max(0, rowOf(to)))
  return worked
}

interface Found {
  alarm: BackTestAlarm
  /** No row of it lies outside of planned maintenance. */
  inWork: boolean
  last: number
}

interface Asked {
  manifest: Manifest
  worked: readonly boolean[]
}

/** An alarm that outlasts the maintenance counts from its end on, as live, where it opens its case then. */
function findAlarms(
  { rows, scores, breaches, alarms }: ScoredTable,
  { manifest, worked }: Asked,
): Found[] {
  const found: Found[] = []
  alarms.forEach((on, row) => {
    if (!on) return
    const at = rows.startAt + row * rows.periodMs
    const score = scores[row]
    const peak = score?.ratio ?? 0
    const inWork = worked[row] === true
    const topTags = [...(breaches[row] ?? []), ...(score ? formatTop(score, manifest) : [])]
    const open = found.at(-1)
    const fresh = { alarm: { from: at, to: at, peak, topTags }, inWork, last: row }
    if (open?.last !== row - 1) found.push(fresh)
    else if (open.inWork && !inWork) found[found.length - 1] = fresh
    else {
      open.last = row
      // What began before the maintenance goes on in it unseen.
      if (inWork && !open.inWork) return
      open.alarm.to = at
      if (peak > open.alarm.peak) Object.assign(open.alarm, { peak, topTags })
    }
  })
  return found
}

function countByMode(
  { scores, alarms, modes }: ScoredTable,
  { manifest, worked }: Asked,
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
    if (alarms[row] && !alarms[row - 1] && !worked[row]) one.alarms++
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
