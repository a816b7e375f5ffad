/** Which tags left their normal first before an alarm: the order is a hint at the cause. */

/** A tag is away from normal beyond this many standard deviations. */
const LIMIT = 3
/** So many rows in a row back inside end the search: what was before them is another story. */
const QUIET_ROWS = 5

export interface Trace {
  /** Instants of the rows, ms, ascending; the last row is the alarm. */
  at: ArrayLike<number>
  names: readonly string[]
  /** Rows x names, row by row: contributions, or (value - mean) / scale of the manifest; NaN where unknown. */
  z: ArrayLike<number>
}

export interface MovedTag {
  name: string
  /** Instant of the first row at which it stood away for good. */
  at: number
  /** Where it stands at the end. */
  direction: 'high' | 'low'
  /** The largest |z| since then. */
  peak: number
}

/**
 * The tags that are away from normal at the end, the first to leave first. An excursion may dip back for a few rows; it
 * begins after the last quiet stretch. Tags that left in the same row stand in the order of their peaks.
 */
export function findMovedFirst(
  trace: Trace,
  { limit = LIMIT, quietRows = QUIET_ROWS }: { limit?: number; quietRows?: number } = {},
): MovedTag[] {
  const moved = trace.names.flatMap((_, tag): MovedTag[] => {
    const one = findExcursion(trace, tag, { limit, quietRows })
    return one ? [one] : []
  })
  return moved.sort((a, b) => a.at - b.at || b.peak - a.peak)
}

function findExcursion(
  { at, names, z }: Trace,
  tag: number,
  { limit, quietRows }: { limit: number; quietRows: number },
): MovedTag | undefined {
  const width = names.length
  let first = -1
  let quiet = 0
  let peak = 0
  for (let row = at.length - 1; row >= 0 && quiet < quietRows; row--) {
    const value = z[row * width + tag] ?? Number.NaN
    if (Number.isNaN(value)) continue
    if (Math.abs(value) <= limit) quiet++
    else {
      quiet = 0
      first = row
      if (Math.abs(value) > Math.abs(peak)) peak = value
    }
  }
  const name = names[tag]
  if (first < 0 || name === undefined) return undefined
  return {
    name,
    at: at[first] ?? 0,
    direction: peak < 0 ? 'low' : 'high',
    peak: Math.abs(peak),
  }
}
