/** The published metrics of the detection sets, as their authors define them. */
import { median } from '../quantiles.ts'

export interface Counts {
  truePositive: number
  trueNegative: number
  falsePositive: number
  falseNegative: number
}

/** Row by row: what was labelled against what alarmed. */
export function countRows(labels: readonly boolean[], alarms: readonly boolean[]): Counts {
  const counts = { truePositive: 0, trueNegative: 0, falsePositive: 0, falseNegative: 0 }
  labels.forEach((label, i) => {
    const verdict = alarms[i] === label ? 'true' : 'false'
    counts[`${verdict}${alarms[i] ? 'Positive' : 'Negative'}`]++
  })
  return counts
}

export interface SkabFigures {
  F1: number
  /** Percent. */
  FAR: number
  MAR: number
}

/** SKAB: the counts of all files together (Katser & Kozitsin 2020). */
export function skabFigures(files: readonly Counts[]): SkabFigures {
  const sum = (name: keyof Counts) => files.reduce((total, counts) => total + counts[name], 0)
  const tp = sum('truePositive')
  const tn = sum('trueNegative')
  const fp = sum('falsePositive')
  const fn = sum('falseNegative')
  return { F1: tp / (tp + (fn + fp) / 2), FAR: (100 * fp) / (fp + tn), MAR: (100 * fn) / (fn + tp) }
}

export interface BatadalFigures {
  S: number
  TNR: number
  TPR: number
  detected: number
  attacks: number
}

/** BATADAL: half time to detection, half the mean of the two rates (Taormina et al. 2018). */
export function batadalFigures(
  labels: readonly boolean[],
  alarms: readonly boolean[],
): BatadalFigures {
  const delays = findEpisodes(labels).map(([from, to]) => {
    const first = alarms.slice(from, to).indexOf(true)
    return first < 0 ? 1 : first / (to - from)
  })
  const { truePositive, trueNegative, falsePositive, falseNegative } = countRows(labels, alarms)
  const TPR = truePositive / (truePositive + falseNegative)
  const TNR = trueNegative / (trueNegative + falsePositive)
  const early = 1 - delays.reduce((sum, delay) => sum + delay, 0) / delays.length
  const detected = delays.filter((delay) => delay < 1).length
  return { S: (early + (TPR + TNR) / 2) / 2, TNR, TPR, detected, attacks: delays.length }
}

/** Stretches of labelled rows, as [from, to). */
function findEpisodes(labels: readonly boolean[]): [number, number][] {
  const episodes: [number, number][] = []
  labels.forEach((label, i) => {
    const last = episodes.at(-1)
    if (label && last?.[1] === i) last[1] = i + 1
    else if (label) episodes.push([i, i + 1])
  })
  return episodes
}

/** Row at which the fault of a test run begins. */
const TEP_FAULT_ROW = 160
/** The first rows have no full window behind them. */
const TEP_FIRST_ROW = 20
/** By design no statistic sees these. */
const TEP_UNDETECTABLE = [3, 9, 15]

export interface TepFigures {
  /** Mean share of missed rows over the detectable faults. */
  MDR18: number
  /** Percent of the rows of the normal run. */
  FAR: number
  /** Percent of the rows before the fault in all faulty runs. */
  FARbeforeFault: number
  /** How many of the 18 detectable faults the folder holds. */
  faults: number
}

/** Tennessee Eastman (Russell, Chiang & Braatz 2000); `alarms` by fault number, 0 being the normal run. */
export function tepFigures(alarms: ReadonlyMap<number, readonly boolean[]>): TepFigures {
  const share = (rows: readonly boolean[]) => rows.filter(Boolean).length / rows.length
  const runs = [...alarms].filter(([fault]) => fault !== 0)
  const missed = runs
    .filter(([fault]) => !TEP_UNDETECTABLE.includes(fault))
    .map(([, rows]) => 1 - share(rows.slice(TEP_FAULT_ROW)))
  const before = runs.flatMap(([, rows]) => rows.slice(TEP_FIRST_ROW, TEP_FAULT_ROW))
  return {
    MDR18: missed.reduce((sum, one) => sum + one, 0) / missed.length,
    FAR: 100 * share((alarms.get(0) ?? []).slice(TEP_FIRST_ROW)),
    FARbeforeFault: 100 * share(before),
    faults: missed.length,
  }
}

export interface NabFigures {
  /** Share of the labelled windows in which an alarm stood. */
  hit: number
  windows: number
  /** Percent of the rows outside of them; the median over the series. */
  FAR: number
}

/** One series: its alarms with their instants, against the windows. */
export interface NabRun {
  at: Float64Array
  alarms: readonly boolean[]
  windows: readonly (readonly [number, number])[]
}

/** Our own reading of NAB: its score weighs early hits, but is as noisy as a coin on single files. */
export function nabFigures(runs: readonly NabRun[]): NabFigures {
  let hit = 0
  const rates = runs.map(({ at, alarms, windows }) => {
    const isIn = (i: number, [from, to]: readonly [number, number]) =>
      (at[i] ?? 0) >= from && (at[i] ?? 0) <= to
    hit += windows.filter((window) => alarms.some((on, i) => on && isIn(i, window))).length
    const outside = alarms.filter((_, i) => !windows.some((window) => isIn(i, window)))
    return (100 * outside.filter(Boolean).length) / Math.max(1, outside.length)
  })
  const windows = runs.reduce((sum, run) => sum + run.windows.length, 0)
  return { hit: hit / windows, windows, FAR: median(rates) }
}
