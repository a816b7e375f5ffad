/** Sorts the values of each feature into at most 64 bins, so that the search for a split is a count. */

/** Cut points per feature at most; one bin more holds what is missing. */
export const MAX_CUTS = 63
/** Bin of a missing value: behind every cut, so it goes to the right like NaN in `x <= cut`. */
export const MISSING = MAX_CUTS + 1
/** Bins per feature. */
export const BINS = MAX_CUTS + 2

/** `[rows, width]` of float32, row by row; NaN where a feature is missing. */
export interface FeatureTable {
  rows: number
  width: number
  values: Float32Array
}

export interface Bins {
  /** Ascending cut points per feature; a value goes to the left of a cut when it is not above it. */
  cuts: Float32Array[]
  /** `[width, rows]`, feature by feature. */
  codes: Uint8Array
}

/** Cuts lie midway between neighbouring values, at equal shares of the rows where there are more than 64 values. */
export function createBins(table: FeatureTable): Bins {
  const { rows, width, values } = table
  const codes = new Uint8Array(rows * width)
  const cuts = Array.from({ length: width }, (_, feature) => {
    const column = Float32Array.from({ length: rows }, (_, row) => values[row * width + feature] ?? Number.NaN)
    const found = findCuts(column)
    column.forEach((value, row) => {
      codes[feature * rows + row] = findBin(found, value)
    })
    return found
  })
  return { cuts, codes }
}

function findCuts(column: Float32Array): Float32Array {
  const sorted = column.filter((value) => !Number.isNaN(value)).sort()
  const cuts: number[] = []
  const step = Math.max(1, sorted.length / (MAX_CUTS + 1))
  let next = step
  for (let i = 1; i < sorted.length; i++) {
    const [below, above] = [sorted[i - 1] ?? 0, sorted[i] ?? 0]
    if (i < next - 0.5 || below === above || cuts.length === MAX_CUTS) continue
    const middle = Math.fround(below + (above - below) / 2)
    cuts.push(middle < above ? middle : below)
    while (next <= i + 0.5) next += step
  }
  return Float32Array.from(cuts)
}

/** Index of the first cut that is not below the value. */
function findBin(cuts: Float32Array, value: number): number {
  if (Number.isNaN(value)) return MISSING
  let low = 0
  let high = cuts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (value <= (cuts[middle] ?? 0)) high = middle
    else low = middle + 1
  }
  return low
}
