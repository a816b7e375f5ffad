/** Judges the samples of a counting tag: each integer stored once, every missing one explained by a report. */
import { type Gap, quality, type Sample } from '../protocol/model.ts'

export interface LedgerFinding {
  /** Undefined: not one integer was stored. */
  first: number | undefined
  last: number | undefined
  /** Different integers. */
  stored: number
  doubled: number[]
  missing: number[]
  /** Missing, and nobody told of it: lost. */
  unexplained: number[]
  /** Those reported gaps in which something is missing. */
  gaps: Gap[]
}

/**
 * Judges the samples of one counting tag. A missing integer is explained when the instant it was shown lies in
 * one reported gap, or between a bad mark of the gateway and the next good value. A stale mark explains nothing:
 * the cloud writes one when it hears of a death, and what the gateway acquires meanwhile must still come.
 */
export function checkLedger(samples: readonly Sample[], gaps: readonly Gap[]): LedgerFinding {
  const goods = samples
    .filter(({ value, quality: q }) => q === quality.good && value !== null)
    .map(({ value, at }) => ({ value: Number(value), at }))
    .sort((one, other) => one.value - other.value || one.at - other.at)
  const marks = samples.filter(({ quality: q }) => q === quality.bad).map(({ at }) => at)
  const doubled = new Set<number>()
  const missing: number[] = []
  const unexplained: number[] = []
  const used = new Set<Gap>()
  for (const [i, next] of goods.entries()) {
    const last = goods[i - 1]
    if (!last) continue
    if (last.value === next.value) doubled.add(next.value)
    const mark = Math.min(...marks.filter((at) => at > last.at && at < next.at))
    const stepMs = (next.at - last.at) / (next.value - last.value)
    for (let value = last.value + 1; value < next.value; value++) {
      const at = last.at + (value - last.value) * stepMs
      const gap = gaps.find(({ from, to }) => from <= at && at < to)
      if (gap) used.add(gap)
      missing.push(value)
      if (!gap && at < mark) unexplained.push(value)
    }
  }
  return {
    first: goods[0]?.value,
    last: goods.at(-1)?.value,
    stored: new Set(goods.map(({ value }) => value)).size,
    doubled: [...doubled],
    missing,
    unexplained,
    gaps: [...used],
  }
}

/**
 * Splits what nobody told of: a polled counter that goes on while a poll comes late shows an integer which nobody
 * saw. One alone may be that; two in a row are a loss.
 */
export function splitLatePolls(unexplained: readonly number[]): { lost: number[]; late: number[] } {
  const known = new Set(unexplained)
  const isAlone = (value: number): boolean => !known.has(value - 1) && !known.has(value + 1)
  return {
    lost: unexplained.filter((value) => !isAlone(value)),
    late: unexplained.filter(isAlone),
  }
}
