/** Medians and quantiles, in the one place where it is decided what lies between two values. */

/** Linear between the neighbours; 0 of nothing. */
export function quantile(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  const place = share * (sorted.length - 1)
  const low = sorted[Math.floor(place)] ?? 0
  const high = sorted[Math.ceil(place)] ?? low
  return low + (high - low) * (place - Math.floor(place))
}

export function median(values: Iterable<number>): number {
  return quantile(values, 0.5)
}

/** One of the values themselves, the nearest; undefined of nothing. */
export function nearestQuantile(sorted: ArrayLike<number>, share: number): number | undefined {
  return sorted[Math.round(share * (sorted.length - 1))]
}
