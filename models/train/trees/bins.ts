/** Sorts the values of each feature into about a hundred bins, so that the search for a split is a count. */

/** Equal shares of the rows between cuts. */
const EVEN_BINS = 64
/** The lowest and the highest of these are divided once more: failures live at the ends of the range. */
const TAIL_BINS = 16
/** Shares of the rows below the cuts. */
const SHARES = createShares()
/** Cut points per feature at most; one bin more holds what is missing. */
export const MAX_CUTS = SHARES.length
/** Bin of a missing value: behind every cut, so it goes to the right like NaN in `x <= cut`. */
export const MISSING = MAX_CUTS + 1
/** Bins per feature. */
export const BINS = MAX_CUTS + 2

function createShares(): number[] {
  const inner = Array.from({ length: EVEN_BINS - 1 }, (_, i) => (i + 1) / EVEN_BINS)
  const tail = Array.from({ length: TAIL_BINS - 1 }, (_, i) => (i + 1) / (TAIL_BINS * EVEN_BINS))
  return [...tail, ...inner, ...tail.map((share) => 1 - share).reverse()]
}

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

/** Cuts lie midway between neighbouring values, at even shares of the rows, denser at both ends. */
export function createBins(table: FeatureTable): Bins {
  const { rows, width, values } = table
  const codes = new Uint8Array(rows * width)
  const cuts = Array.from({ length: width }, (_, feature) => {
    const column = Float32Array.from(
      { length: rows },
      (_, row) => values[row * width + feature] ?? Number.NaN,
    )
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
  let place = 0
  for (let i = 1; i < sorted.length; i++) {
    const [below, above] = [sorted[i - 1] ?? 0, sorted[i] ?? 0]
    const isDue = (SHARES[place] ?? 1) * sorted.length < i + 0.5
    if (!isDue || below === above) continue
    const middle = Math.fround(below + (above - below) / 2)
    cuts.push(middle < above ? middle : below)
    while ((SHARES[place] ?? 1) * sorted.length < i + 0.5) place++
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
