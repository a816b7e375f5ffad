/** Scores a table in memory, strictly causal: the one path of `mimamori score`, the back-test and the benchmarks. */
import { Fault } from '../../protocol/kit/fault.ts'
import type { Manifest } from '../manifest.ts'
import { openSession } from '../session.ts'
import { fitDetector, SCORE_ROWS } from './detector.ts'
import { createFiller, type Filler, fillRows } from './fill.ts'
import { createRows, findSegments, pickColumns, type Rows } from './grid.ts'
import { findBreaches } from './hard-rules.ts'
import { adaptToSteps, createStepWatch, type Steps } from './live-step.ts'
import {
  addModeColumn,
  findModes,
  keepMode,
  type ModeRows,
  settleModes,
  splitModeColumn,
} from './mode-rows.ts'
import { nextPersistence, quiet } from './persistence.ts'
import { scoreClusters } from './score-clusters.ts'
import { findEnds, type RowScore, scoreWindows } from './score-windows.ts'
import type { Table } from './table.ts'
import type { TrainRun } from './train-options.ts'

export interface ScoredModel {
  manifest: Manifest
  bytes: Uint8Array
  /** The kept training rows; without them empty cells are held on and coarser live steps are not noticed. */
  normal?: Rows
  /** As live: coarser steps are told, and the model stays as it is. */
  keepSteps?: boolean
  /** One model per operating mode, its own among them, by the value of the mode. */
  modes?: ReadonlyMap<string, ScoredModel>
  /** One model per phase of a cyclic machine, in the order of the manifest's centers. */
  clusters?: readonly ScoredModel[]
}

/** From this grid row on the model stood at coarser live steps. */
export interface Adaptation {
  row: number
  steps: Steps
}

/** Everything by grid row. */
export interface ScoredTable {
  rows: Rows
  /** Undefined where the window is not complete. */
  scores: (RowScore | undefined)[]
  /** Broken hard rules as `name:rule`. */
  breaches: string[][]
  /** Whether the alarm is on. */
  alarms: boolean[]
  adaptations: Adaptation[]
  /** The operating mode as the row says it, undefined where it is not known; left out for a model that knows none. */
  modes?: (string | undefined)[]
}

/** Throws Fault 'table.invalid' when a tag of the model is missing, and the signal's reason. */
export async function scoreTable(
  model: ScoredModel,
  table: Table,
  run: TrainRun = {},
): Promise<ScoredTable> {
  const { manifest } = model
  const { rows, modes } = putOnGrid(manifest, table)
  const { scores, adaptations } = modes
    ? await scoreModes(model, { rows, modes }, run)
    : await scoreRows(model, rows, run)
  const breaches = findBreaches(rows, manifest.tags)
  const alarms = createAlarms(scores, breaches, { rows, manifest })
  return { rows, scores, breaches, alarms, adaptations, ...(modes && { modes }) }
}

type Scored = Pick<ScoredTable, 'scores' | 'adaptations'>

/** Each row by the model of its mode; the others have no score. A model made for one mode is not made anew for its steps. */
async function scoreModes(
  { modes: models = new Map() }: ScoredModel,
  { rows, modes }: ModeRows,
  run: TrainRun,
): Promise<Scored> {
  const scores = new Array<RowScore | undefined>(rows.count).fill(undefined)
  const settled = settleModes(modes)
  for (const [mode, model] of models) {
    const own = await scoreRows({ ...model, keepSteps: true }, keepMode(rows, settled, mode), run)
    own.scores.forEach((score, row) => {
      if (score) scores[row] = score
    })
  }
  return { scores, adaptations: [] }
}

async function scoreRows(model: ScoredModel, rows: Rows, run: TrainRun): Promise<Scored> {
  const scores = new Array<RowScore | undefined>(rows.count).fill(undefined)
  const pieces = await findPieces(model, rows, run)
  for (const [i, piece] of pieces.entries()) {
    const to = pieces[i + 1]?.row ?? rows.count
    const part = { rows, scores, from: piece.row, to }
    fillPiece(piece.model, part)
    await using session = await openSession(piece.model.bytes, piece.model.manifest)
    const ends = findEnds(rows, piece.model.manifest, part)
    await scoreWindows(
      { session, manifest: piece.model.manifest, run },
      { rows, ends },
      (end, own) => {
        scores[end] = own
      },
    )
  }
  const adaptations = pieces.flatMap(({ row, steps }) => (steps ? [{ row, steps }] : []))
  await scoreClusters(model, { rows, scores, to: adaptations[0]?.row ?? rows.count }, run)
  return { scores, adaptations }
}

/** `modes` only where the model knows some. */
function putOnGrid({ tags, periodMs, modes }: Manifest, table: Table): OnGrid {
  const refuse = (column: string, problem: string) =>
    new Fault('table.invalid', { file: table.file, row: 1, column, problem })
  const columns = tags.map(({ name }) => {
    const column = table.names.indexOf(name)
    if (column < 0) throw refuse(name, 'the model needs this column')
    return column
  })
  if (modes && !table.modes) throw refuse(modes.tag, 'the model needs this column')
  const values = findModes(table)
  const grid = createRows(modes ? addModeColumn(table, values) : table, periodMs)
  if (!grid) throw refuse('time', 'the time range is far too long for the period of the model')
  const rows = pickColumns(grid, columns)
  return modes ? { rows, modes: splitModeColumn(grid, values).modes } : { rows }
}

type OnGrid = Pick<ScoredTable, 'rows' | 'modes'>

interface Piece {
  /** First grid row whose windows this model scores; none is scored before the steps are clear. */
  row: number
  model: ScoredModel
  steps?: Steps
}

/** The model, and where the first live rows showed coarser steps than it knew, the one made for them. */
async function findPieces(model: ScoredModel, rows: Rows, run: TrainRun): Promise<Piece[]> {
  const pieces: Piece[] = [{ row: 0, model }]
  const { normal } = model
  if (!normal || model.keepSteps) return pieces
  const watch = createStepWatch(model.manifest, normal)
  const row = new Float64Array(rows.width)
  let { manifest } = model
  let settled = 0
  for (let i = 0; i < rows.count; i++) {
    for (let tag = 0; tag < rows.width; tag++) {
      const at = i * rows.width + tag
      row[tag] = rows.empty?.[at] === 1 ? Number.NaN : (rows.values[at] ?? Number.NaN)
    }
    const steps = watch.accept(row)
    if (!watch.isSettled()) settled = i + 1
    if (!steps) continue
    const adapted = await adaptToSteps(manifest, normal, { steps, run })
    if (!adapted) continue
    manifest = adapted.manifest
    pieces.push({ row: i, model: { ...adapted, normal }, steps })
  }
  return pieces.map((piece) => ({ ...piece, row: Math.max(piece.row, settled) }))
}

interface Part {
  rows: Rows
  scores: (RowScore | undefined)[]
  from: number
  to: number
}

/** What fills the empty cells of a model's input; undefined where the rows it was trained on are not kept. */
export function createModelFiller({ manifest, normal }: ScoredModel): Filler | undefined {
  if (manifest.kind !== 'multivariate' || !normal) return undefined
  const lags = manifest.windowRows - SCORE_ROWS
  const resolutions = Float64Array.from(manifest.tags, ({ step }) => step ?? 0)
  return createFiller(fitDetector(normal, findSegments(normal), { lags, resolutions }))
}

function fillPiece(model: ScoredModel, { rows, from, to }: Part): void {
  if (!rows.empty?.subarray(from * rows.width, to * rows.width).includes(1)) return
  const filler = createModelFiller(model)
  const lags = model.manifest.windowRows - SCORE_ROWS
  if (filler) rows.values = fillRows(rows, filler, { lags, from, to }).values
}

/** Whether the alarm is on, per grid row: the ratio after its delays, or at once a broken hard rule. */
function createAlarms(
  scores: readonly (RowScore | undefined)[],
  breaches: readonly (readonly string[])[],
  { rows, manifest }: { rows: Rows; manifest: Manifest },
): boolean[] {
  const atOnce = { onDelayMs: 0, offDelayMs: manifest.offDelayMs, peakClear: 0 }
  let state = quiet
  let broken = quiet
  const isTorn = findTorn(rows, manifest)
  return scores.map((one, row) => {
    // Nothing was recorded: the alarm neither comes nor goes.
    if (rows.missing?.[row] === 1) return state.active || broken.active
    const at = rows.startAt + row * rows.periodMs
    const isNoNews = isTorn(row) && !state.active && (one?.ratio ?? 0) > 1
    state = nextPersistence(state, { at, ratio: isNoNews ? undefined : one?.ratio }, manifest)
    const isBroken = (breaches[row]?.length ?? 0) > 0
    broken = nextPersistence(broken, { at, ratio: isBroken ? 2 : 0 }, atOnce)
    return state.active || broken.active
  })
}

/**
 * Whether the window of a row holds what was held on through a pause: the tags stand still together and then jump, which
 * looks like a fault, so no alarm begins there.
 */
function findTorn({ missing, periodMs }: Rows, manifest: Manifest): (row: number) => boolean {
  if (!missing) return () => false
  // A single row that is missing at a row a second is no pause, but jitter.
  const pauseRows = findPauseRows(missing, periodMs > manifest.onDelayMs ? 1 : 2)
  const torn = new Uint8Array(missing.length)
  let run = 0
  for (const [row, isMissing] of missing.entries()) {
    run = isMissing === 1 ? run + 1 : 0
    if (run >= pauseRows) torn.fill(1, row, row + manifest.windowRows)
  }
  return (row) => torn[row] === 1
}

/** What comes more often than this share of the rows is the pace of the file: it is held on live, too, and alarms. */
const PACE_SHARE = 0.05
const LEAST_PAUSES = 5

/** From so many missing rows on it is a pause: `least`, or more than the file leaves out all the time. */
function findPauseRows(missing: Uint8Array, least: number): number {
  /** How many stretches of missing rows are so long or longer. */
  const counts = new Map<number, number>()
  let [run, known] = [0, 0]
  for (const isMissing of missing) {
    run = isMissing === 1 ? run + 1 : 0
    if (run > 0) counts.set(run, (counts.get(run) ?? 0) + 1)
    else known++
  }
  const most = Math.max(LEAST_PAUSES, PACE_SHARE * known)
  let rows = least
  while ((counts.get(rows) ?? 0) > most) rows++
  return rows
}
