/** One machine against its like: the same tag of several machines, each compared with the median of the others. */
import { median, quantile } from '../quantiles.ts'

/** One value per machine at one instant of the grid; null: bad, stale or missing. */
export type PeerRow = readonly (number | null)[]

export interface PeerModel {
  /** How each machine usually stands to the others, in the tag's unit. */
  offsets: number[]
  /** How much that wanders in normal times, per machine. */
  scales: number[]
  /** A deviation in scales above it is unusual. */
  threshold: number
  /** Rows of one window; its median is compared, so that a defrost or a busy hour is none. */
  windowRows: number
}

export interface PeerScore {
  /** Above 1: this machine does not do what its like do. */
  ratio: number
  /** Distance to where it should stand, in the tag's unit. */
  deviation: number
  direction: 'high' | 'low'
}

/** Fewer like machines than this prove nothing: the odd one of three may be the only healthy one. */
export const MIN_PEERS = 5
/** Others that a machine is compared with, once the odd ones are taken out. */
const MIN_REFERENCE = 3
const MIN_ROWS = 300
const QUANTILE = 0.998
const MARGIN = 1.1
/** The highest scores count up to so many times the 95 % quantile: the first hours of a fault are no normal tail. */
const TAIL = 3
/** A machine calmer than this share of its like is not blamed for a wandering that all have. */
const CALMEST = 0.5
/** Of a window so many rows must be there. */
const MIN_SHARE = 0.5
/** Makes a median absolute deviation a standard deviation of normal noise. */
const MAD = 1.4826

/**
 * Learns from rows oldest first; the answer is a reason where they do not suffice. `isUnusual` leaves a machine's own
 * rows out of what is normal for it; the others are still compared with it, by a median that it cannot move far.
 */
export function fitPeers(
  rows: readonly PeerRow[],
  windowRows: number,
  isUnusual: (machine: number, row: number) => boolean = () => false,
): { model: PeerModel } | { reason: string } {
  const machines = rows[0]?.length ?? 0
  if (machines < MIN_PEERS) return { reason: `${machines} like machines; it takes ${MIN_PEERS}` }
  const offsets = usualOffsets(rows, machines, isUnusual)
  const smooth = smoothAll(rows, offsets, windowRows)
  const columns = offsets.map((_, i) =>
    smooth.flatMap((row, r) => (isUnusual(i, r + windowRows - 1) ? [] : (row[i] ?? []))),
  )
  const least = Math.min(...columns.map((column) => column.length))
  if (least < MIN_ROWS) return { reason: `${least} comparable rows; it takes ${MIN_ROWS}` }
  const own = columns.map((column) => MAD * median(column.map(Math.abs)))
  const usual = median(own)
  const floor = usual > 0 ? CALMEST * usual : smallestStep(rows)
  const scales = own.map((scale) => Math.max(scale, floor))
  const scores = columns.flatMap((column, i) => column.map((d) => Math.abs(d) / (scales[i] ?? 1)))
  const highest = Math.min(quantile(scores, QUANTILE), TAIL * quantile(scores, 0.95))
  return { model: { offsets, scales, threshold: Math.max(MARGIN * highest, 1), windowRows } }
}

/**
 * Compares the newest window; null for a machine that cannot be compared now. The odd ones are found one by one, each
 * taken out of what the others are compared with: in a small group it would pull their median its way.
 */
export function comparePeers(model: PeerModel, rows: readonly PeerRow[]): (PeerScore | null)[] {
  const odd = new Set<number>()
  const most = Math.max(1, Math.floor((model.offsets.length - MIN_REFERENCE) / 2))
  for (;;) {
    const scores = compareWithout(model, rows, odd)
    const worst = scores
      .map((score, machine) => ({ machine, ratio: score?.ratio ?? 0 }))
      .filter(({ machine, ratio }) => ratio > 1 && !odd.has(machine))
      .sort((a, b) => b.ratio - a.ratio)[0]
    if (!worst || odd.size >= most) return scores
    odd.add(worst.machine)
  }
}

function compareWithout(
  model: PeerModel,
  rows: readonly PeerRow[],
  odd: ReadonlySet<number>,
): (PeerScore | null)[] {
  const { offsets, scales, threshold, windowRows } = model
  const differences = rows.slice(-windowRows).map((row) => differ(row, offsets, odd))
  return offsets.map((_, i) => {
    const deviation = levelOf(differences, i, windowRows)
    if (deviation === null) return null
    const ratio = Math.abs(deviation) / (scales[i] ?? 1) / threshold
    return { ratio, deviation, direction: deviation < 0 ? 'low' : 'high' }
  })
}

/** How each machine stands to the row's median, most of the time. */
function usualOffsets(
  rows: readonly PeerRow[],
  machines: number,
  isUnusual: (machine: number, row: number) => boolean,
): number[] {
  const centred = rows.map((row) => {
    const known = row.filter((value) => value !== null)
    const middle = known.length < MIN_PEERS ? null : median(known)
    return row.map((value) => (value === null || middle === null ? null : value - middle))
  })
  return Array.from({ length: machines }, (_, i) =>
    median(centred.flatMap((row, r) => (isUnusual(i, r) ? [] : (row[i] ?? [])))),
  )
}

function smoothAll(rows: readonly PeerRow[], offsets: number[], windowRows: number): PeerRow[] {
  const differences = rows.map((row) => differ(row, offsets))
  return rows.slice(windowRows - 1).map((_, start) => {
    const window = differences.slice(start, start + windowRows)
    return offsets.map((_, i) => levelOf(window, i, windowRows))
  })
}

/** The median of one machine's differences, where enough of them are there. */
function levelOf(window: readonly PeerRow[], machine: number, windowRows: number): number | null {
  const seen = window.flatMap((row) => row[machine] ?? [])
  return seen.length < Math.max(1, MIN_SHARE * windowRows) ? null : median(seen)
}

/**
 * Each value against the median of the others, all without their usual offsets: with them, one machine that leaves
 * would move the median to a neighbour that always stands elsewhere. All null where too few machines answer.
 */
function differ(
  row: PeerRow,
  offsets: readonly number[],
  odd: ReadonlySet<number> = new Set(),
): PeerRow {
  const centred = row.map((value, i) => (value === null ? null : value - (offsets[i] ?? 0)))
  if (centred.filter((value) => value !== null).length < MIN_PEERS) return row.map(() => null)
  return centred.map((value, i) => {
    if (value === null) return null
    const others = centred.filter((other, j) => other !== null && j !== i && !odd.has(j))
    return others.length < MIN_REFERENCE ? null : value - median(others as number[])
  })
}

/** Of readings that never move against each other: the step of the instrument. */
function smallestStep(rows: readonly PeerRow[]): number {
  const values = [...new Set(rows.flat().filter((value) => value !== null))].sort((a, b) => a - b)
  const steps = values.slice(1).map((value, i) => value - (values[i] ?? 0))
  return steps.length > 0 ? Math.min(...steps) : 1
}
