/** Scores a file with a model folder and writes one line per row. */
import type { Log } from '../../protocol/kit/log.ts'
import type { Manifest } from '../manifest.ts'
import { writeText } from './csv-text.ts'
import type { Rows } from './grid.ts'
import { holdModes } from './mode-rows.ts'
import { type Adaptation, type ScoredTable, scoreTable } from './score-table.ts'
import type { RowScore } from './score-windows.ts'
import { readScoredModel } from './scored-folder.ts'
import { readTable, type Table } from './table.ts'

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
  /** Where the live values proved coarser than the training's, and the model was made anew for them. */
  adaptations: Adaptation[]
  /** Modes that the model never learned: their rows are unknown. */
  unlearned: string[]
  /** Tags of the model without any value in the file: nothing can be scored. */
  silent: string[]
}

/** Rows without a complete window get an empty score; throws Fault 'table.invalid' for a bad table. */
export async function runScore(options: ScoreOptions): Promise<ScoreSummary> {
  const model = await readScoredModel(options.model)
  const { manifest } = model
  const { modes, periodMs } = manifest
  const read = await readTable(options.in, {
    time: options.timeColumn,
    usualTime: manifest.timeColumn,
    mode: modes?.tag,
    tags: manifest.tags.map(({ name }) => name),
  })
  const table = modes ? holdModes(read, modes.holdMs, periodMs) : read
  const scored = await scoreTable(model, table)
  for (const { row, steps } of scored.adaptations)
    options.log?.warn(
      { row, steps },
      'live values are coarser than the training: graph and threshold made again for them',
    )
  const { text, summary } = formatLines(scored, { table, manifest })
  await writeText(options.out, text)
  return summary
}

/** The tags to name as `name+` or `name-`: above or below what is expected of them. */
export function formatTop(
  { contributions, top }: RowScore,
  { tags }: Pick<Manifest, 'tags'>,
): string[] {
  return top.map((tag) => `${tags[tag]?.name ?? ''}${(contributions[tag] ?? 0) < 0 ? '-' : '+'}`)
}

/** One line per row of the file, in its order, with the newest grid row that is not after it: strictly causal. */
function formatLines(
  { rows, scores, breaches, alarms, adaptations, modes }: ScoredTable,
  { table, manifest }: { table: Table; manifest: Manifest },
) {
  const begun = alarms.filter((active, i) => active && !alarms[i - 1]).length
  const summary: ScoreSummary = {
    rows: table.rows,
    scored: 0,
    above: 0,
    alarms: begun,
    adaptations,
    unlearned: findUnlearned(modes, manifest),
    silent: findSilent(table),
  }
  const text = new Array<string>(table.rows + 1).fill('time,score,ratio,alarm,top_tags')
  for (let i = 0; i < table.rows; i++) {
    const grid = findGridRow(table, rows, i)
    const score = scores[grid]
    const time = quoteCell(table.timeText?.[i] ?? `${(i * rows.periodMs) / 1000}`)
    const alarm = alarms[grid] ? 1 : 0
    const broken = breaches[grid] ?? []
    const line = 1 + (table.order?.[i] ?? i)
    if (score) {
      summary.scored++
      if (score.ratio > 1) summary.above++
      const numbers = `${score.score.toPrecision(7)},${score.ratio.toPrecision(7)}`
      const top = quoteCell([...broken, ...formatTop(score, manifest)].join(' '))
      text[line] = `${time},${numbers},${alarm},${top}`
    } else text[line] = `${time},,,${alarm},${quoteCell(broken.join(' '))}`
  }
  return { text: `${text.join('\n')}\n`, summary }
}

/** The newest one that is not after the row of the table and for which something was recorded. */
function findGridRow({ at }: Table, rows: Rows, row: number): number {
  if (!at) return row
  let grid = Math.floor(((at[row] ?? 0) - rows.startAt) / rows.periodMs)
  while (rows.missing?.[grid] === 1) grid--
  return grid
}

/** Only the model's tags were read. */
function findSilent({ names, columns }: Table): string[] {
  return names.filter((_, i) => columns[i]?.every(Number.isNaN))
}

function findUnlearned(
  modes: readonly (string | undefined)[] = [],
  manifest: Pick<Manifest, 'modes'>,
): string[] {
  const known = new Set(manifest.modes?.known.map(({ value }) => value))
  return [...new Set(modes)].flatMap((mode) => (mode && !known.has(mode) ? [mode] : []))
}

function quoteCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
