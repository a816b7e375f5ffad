/** Medians, percentiles and ratios of benchmark rounds. */

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** `share` from 0 to 1; 0 when there are no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Three significant digits: more would claim what a shared machine cannot keep. */
export function round(value: number): number {
  return Number(value.toPrecision(3))
}
