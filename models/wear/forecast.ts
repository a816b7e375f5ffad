/** When a counter reaches its limit: from how fast it counted, with a 90 % interval. */

export interface CounterPoint {
  /** Unix ms. */
  at: number
  /** What the part has counted; never falls. */
  count: number
}

export interface Forecast {
  perDay: number
  /** Instants, Unix ms; `late` is undefined where standing still for good cannot be excluded. */
  early: number
  expected: number
  late: number | undefined
}

export type ForecastAnswer = { forecast: Forecast } | { reason: string }

const DAY_MS = 86_400_000
/** Use changes with season and staff: older days say little of the next ones. */
export const FORECAST_WINDOW_MS = 56 * DAY_MS
/** Blocks of the history whose differences tell how steady the use is. */
const MIN_BLOCKS = 8
const MAX_BLOCKS = 20
/** A service date further away than this is no date. */
const MAX_AHEAD_MS = 20 * 365 * DAY_MS

/**
 * `points` oldest first, of one part; `limit` in counts. The counter is taken as a steady drift with independent
 * blocks: after T more blocks it stands at μT ± z·√(σ²T + T²σ²/n), the second term for the rate that n blocks tell.
 */
export function forecastLimit(points: readonly CounterPoint[], limit: number): ForecastAnswer {
  const last = points.at(-1)
  if (!last) return { reason: 'nothing was counted yet' }
  if (last.count >= limit) {
    const reached = points.find(({ count }) => count >= limit)?.at ?? last.at
    return { forecast: { perDay: Number.NaN, early: reached, expected: reached, late: reached } }
  }
  const recent = points.filter(({ at }) => at > last.at - FORECAST_WINDOW_MS)
  const blocks = splitIntoBlocks(recent)
  if (!blocks) return { reason: 'it was watched for too short a time' }
  const { steps, blockMs } = blocks
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  if (mean <= 0) return { reason: 'it did not count in the time it was watched' }
  const variance = steps.reduce((sum, step) => sum + (step - mean) ** 2, 0) / (steps.length - 1)
  const spread = { mean, variance, blocks: steps.length, left: limit - last.count }
  const instant = (count: number | undefined): number | undefined =>
    count === undefined || count * blockMs > MAX_AHEAD_MS ? undefined : last.at + count * blockMs
  const expected = instant(spread.left / mean)
  const early = instant(blocksUntil(spread, +1))
  if (expected === undefined || early === undefined)
    return { reason: 'the limit is more than twenty years away' }
  const late = instant(blocksUntil(spread, -1))
  return { forecast: { perDay: (mean * DAY_MS) / blockMs, early, expected, late } }
}

/** Counts per block of equal time, with whole weeks as blocks where the history is long enough for them. */
function splitIntoBlocks(
  points: readonly CounterPoint[],
): { steps: number[]; blockMs: number } | undefined {
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || points.length <= MIN_BLOCKS) return undefined
  const spanMs = last.at - first.at
  if (spanMs <= 0) return undefined
  const weeks = Math.floor(spanMs / (7 * DAY_MS))
  const days = Math.floor(spanMs / DAY_MS)
  const count =
    weeks >= MIN_BLOCKS - 1 ? weeks : days >= MIN_BLOCKS ? Math.min(days, MAX_BLOCKS) : MIN_BLOCKS
  const blockMs = spanMs / count
  const edges = Array.from({ length: count + 1 }, (_, i) => countAt(points, first.at + i * blockMs))
  return { steps: edges.slice(1).map((edge, i) => edge - (edges[i] ?? 0)), blockMs }
}

/** Between two points the count is taken as even. */
function countAt(points: readonly CounterPoint[], at: number): number {
  let low = 0
  let high = points.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((points[middle]?.at ?? 0) <= at) low = middle
    else high = middle
  }
  const [one, other] = [points[low], points[high]]
  if (!one || !other) return 0
  const share = other.at === one.at ? 1 : (at - one.at) / (other.at - one.at)
  return one.count + Math.min(1, Math.max(0, share)) * (other.count - one.count)
}

interface Spread {
  mean: number
  variance: number
  blocks: number
  left: number
}

/** Blocks until the upper (+1) or lower (−1) bound of the count has used up what is left; undefined: never. */
function blocksUntil({ mean, variance, blocks, left }: Spread, side: 1 | -1): number | undefined {
  const z = side * studentQuantile95(blocks - 1)
  const bound = (t: number) => mean * t + z * Math.sqrt(variance * t + (t * t * variance) / blocks)
  if (side < 0 && mean <= -z * Math.sqrt(variance / blocks)) return undefined
  let low = 0
  let high = left / mean
  for (let i = 0; bound(high) < left && i < 200; i++) high *= 2
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2
    if (bound(middle) < left) low = middle
    else high = middle
  }
  return high
}

/** 95 % quantile of Student's t, by the expansion around the normal one (Abramowitz and Stegun 26.7.5). */
export function studentQuantile95(degrees: number): number {
  const z = 1.6448536269514722
  const [z3, z5, z7] = [z ** 3, z ** 5, z ** 7]
  const g1 = (z3 + z) / 4
  const g2 = (5 * z5 + 16 * z3 + 3 * z) / 96
  const g3 = (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / 384
  return z + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3
}
