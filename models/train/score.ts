/** Scores a table with a model folder, strictly causal, and writes one line per row. */
import { writeFile } from 'node:fs/promises'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { type Manifest, readModelFolder } from '../manifest.ts'
import { type ModelSession, openSession } from '../session.ts'
import { createRows, findSegments, pickColumns, type Rows } from './grid.ts'
import { findBreaches } from './hard-rules.ts'
import { nextPersistence, quiet } from './persistence.ts'
import { readTable, type Table } from './table.ts'

/** Windows per run: enough to hide the call, small enough to stay in the cache. */
const BATCH = 1024
const TOP_TAGS = 3

export interface ScoreOptions {
  /** Folder of the model. */
  model: string
  in: string
  /** CSV with `time,score,ratio,alarm,top_tags`. */
  out: string
  timeColumn?: string
  log?: Log
}

export interface ScoreSummary {
  rows: number
  scored: number
  /** Rows with a ratio above 1. */
  above: number
  /** Persistent alarms begun. */
  alarms: number
}

interface Line {
  score: number
  ratio: number
  /** `name+` or `name-`, the strongest first. */
  top: string
}

/** Rows without a complete window get an empty score; throws Fault 'table.invalid' for a bad table. */
export async function runScore(options: ScoreOptions): Promise<ScoreSummary> {
  const { manifest, bytes } = await readModelFolder(options.model)
  const table = await readTable(options.in, options.timeColumn)
  const columns = manifest.tags.map(({ name }) => {
    const column = table.names.indexOf(name)
    const problem = 'the model needs this column'
    if (column < 0)
      throw new Fault('table.invalid', { file: options.in, row: 1, column: name, problem })
    return column
  })
  const whole = createRows(table, manifest.periodMs)
  const problem = 'the time range is far too long for the period of the model'
  if (!whole)
    throw new Fault('table.invalid', { file: options.in, row: 1, column: 'time', problem })
  const rows = pickColumns(whole, columns)
  await using session = await openSession(bytes, manifest)
  const lines = await scoreRows(session, rows, manifest)
  const { text, summary } = formatLines(lines, { table, rows, manifest })
  await writeFile(options.out, text)
  options.log?.info({ ...summary }, 'scored')
  return summary
}

/** One line per row; undefined where the window is not complete. */
async function scoreRows(
  session: ModelSession,
  rows: Rows,
  manifest: Manifest,
): Promise<(Line | undefined)[]> {
  const lines = new Array<Line | undefined>(rows.count).fill(undefined)
  const ends: number[] = []
  for (const [from, to] of findSegments(rows))
    for (let end = from + manifest.windowRows - 1; end < to; end++) ends.push(end)
  const size = manifest.windowRows * rows.width
  for (let first = 0; first < ends.length; first += BATCH) {
    const part = ends.slice(first, first + BATCH)
    const input = new Float32Array(part.length * size)
    part.forEach((end, i) => {
      const from = (end - manifest.windowRows + 1) * rows.width
      input.set(rows.values.subarray(from, from + size), i * size)
    })
    const { score, ratio, contributions } = await session.run(input, part.length)
    part.forEach((end, i) => {
      const own = contributions.subarray(i * rows.width, (i + 1) * rows.width)
      lines[end] = { score: score[i] ?? 0, ratio: ratio[i] ?? 0, top: formatTop(own, manifest) }
    })
  }
  return lines
}

function formatTop(contributions: Float32Array, manifest: Manifest): string {
  return Array.from(contributions, (z, i) => ({ z, name: manifest.tags[i]?.name ?? '' }))
    .sort((a, b) => Math.abs(b.z) - Math.abs(a.z))
    .slice(0, TOP_TAGS)
    .map(({ z, name }) => `${name}${z < 0 ? '-' : '+'}`)
    .join(' ')
}

interface Context {
  table: Table
  rows: Rows
  manifest: Manifest
}

/** One line per row of the table, with the newest grid row that is not after it: strictly causal. */
function formatLines(lines: readonly (Line | undefined)[], { table, rows, manifest }: Context) {
  const breaches = findBreaches(rows, manifest.tags)
  const alarms = createAlarms(lines, breaches, { rows, manifest })
  const begun = alarms.filter((active, i) => active && !alarms[i - 1]).length
  const summary: ScoreSummary = { rows: table.rows, scored: 0, above: 0, alarms: begun }
  const text = ['time,score,ratio,alarm,top_tags']
  for (let i = 0; i < table.rows; i++) {
    const grid = table.at ? Math.floor(((table.at[i] ?? 0) - rows.startAt) / rows.periodMs) : i
    const line = lines[grid]
    const time = quoteCell(table.timeText?.[i] ?? `${(i * rows.periodMs) / 1000}`)
    const alarm = alarms[grid] ? 1 : 0
    const broken = breaches[grid] ?? []
    if (line) {
      summary.scored++
      if (line.ratio > 1) summary.above++
      const numbers = `${line.score.toPrecision(7)},${line.ratio.toPrecision(7)}`
      text.push(`${time},${numbers},${alarm},${quoteCell([...broken, line.top].join(' '))}`)
    } else text.push(`${time},,,${alarm},${quoteCell(broken.join(' '))}`)
  }
  return { text: `${text.join('\n')}\n`, summary }
}

/** Whether the alarm is on, per grid row: the ratio after its delays, or at once a broken hard rule. */
function createAlarms(
  lines: readonly (Line | undefined)[],
  breaches: readonly (readonly string[])[],
  { rows, manifest }: Pick<Context, 'rows' | 'manifest'>,
): boolean[] {
  const atOnce = { onDelayMs: 0, offDelayMs: manifest.offDelayMs, peakClear: 0 }
  let state = quiet
  let broken = quiet
  return lines.map((line, row) => {
    const at = rows.startAt + row * rows.periodMs
    state = nextPersistence(state, { at, ratio: line?.ratio }, manifest)
    const isBroken = (breaches[row]?.length ?? 0) > 0
    broken = nextPersistence(broken, { at, ratio: isBroken ? 2 : 0 }, atOnce)
    return state.active || broken.active
  })
}

function quoteCell(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
