/** A tag's trend as parallel arrays: history joined with live samples, and its gaps made visible. */
import type { RangeResponse, SampleView } from '../../../protocol/api.ts'

export type Series = RangeResponse['series'][number]

/** Parallel arrays, oldest first; null is drawn as a gap. */
export interface Trend {
  at: number[]
  min: (number | null)[]
  mean: (number | null)[]
  max: (number | null)[]
  quality: number[]
}

export const emptyTrend = (): Trend => ({ at: [], min: [], mean: [], max: [], quality: [] })

function pushPoint(trend: Trend, at: number, values: Omit<Series, 'tag' | 'unit' | 'at'>): void {
  trend.at.push(at)
  trend.min.push(values.min[0] ?? null)
  trend.mean.push(values.mean[0] ?? null)
  trend.max.push(values.max[0] ?? null)
  trend.quality.push(values.quality[0] ?? 0)
}

function numberOf(value: SampleView['value']): number | null {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (value === null || value === '') return null
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : null
}

/** Appends the live samples that are newer than the history; a late one is left to the next history answer. */
export function joinTrend(series: Series | undefined, live: readonly SampleView[]): Trend {
  const trend = emptyTrend()
  series?.at.forEach((at, index) => {
    pushPoint(trend, at, {
      min: [series.min[index] ?? null],
      mean: [series.mean[index] ?? null],
      max: [series.max[index] ?? null],
      quality: [series.quality[index] ?? 0],
    })
  })
  for (const sample of live) {
    if (sample.at <= (trend.at.at(-1) ?? Number.NEGATIVE_INFINITY)) continue
    const value = [numberOf(sample.value)]
    pushPoint(trend, sample.at, { min: value, mean: value, max: value, quality: [sample.quality] })
  }
  return trend
}

/** How many usual steps may pass without a point before the line is broken. */
const gapSteps = 4
/** Event-driven tags pause; below this a pause is never a gap. */
const minGapMs = 5_000

function usualStepMs(at: readonly number[]): number {
  const steps = at.slice(1).map((value, index) => value - (at[index] ?? value))
  steps.sort((a, b) => a - b)
  return steps[Math.floor(steps.length / 2)] ?? 0
}

/** Inserts a null point wherever the time between two points is far above the usual step. */
export function breakGaps(trend: Trend): Trend {
  const limitMs = Math.max(minGapMs, gapSteps * usualStepMs(trend.at))
  const broken = emptyTrend()
  trend.at.forEach((at, index) => {
    const before = trend.at[index - 1]
    if (before !== undefined && at - before > limitMs)
      pushPoint(broken, before + 1, { min: [], mean: [], max: [], quality: [] })
    pushPoint(broken, at, {
      min: [trend.min[index] ?? null],
      mean: [trend.mean[index] ?? null],
      max: [trend.max[index] ?? null],
      quality: [trend.quality[index] ?? 0],
    })
  })
  return broken
}

export interface Span {
  from: number
  to: number
  kind: 'stale' | 'bad' | 'gap'
}

function kindOf(trend: Trend, index: number): Span['kind'] | 'good' {
  const quality = trend.quality[index]
  if (quality === 500) return 'stale'
  if (trend.mean[index] === null) return quality === 0 ? 'gap' : 'good'
  return quality === 192 ? 'good' : 'bad'
}

/** The stretches of time in which the data is not good, for shading. */
export function poorSpans(trend: Trend): Span[] {
  const spans: Span[] = []
  trend.at.forEach((from, index) => {
    const kind = kindOf(trend, index)
    if (kind === 'good') return
    const to = trend.at[index + 1] ?? from
    const last = spans.at(-1)
    if (last && last.kind === kind && last.to === from) last.to = to
    else spans.push({ from, to, kind })
  })
  return spans
}

/** Index of the last point at or before the instant. */
export function pointAt(trend: Trend, at: number): number | undefined {
  const index = trend.at.findLastIndex((value) => value <= at)
  return index < 0 ? undefined : index
}

/** At most `count` points spread evenly over the trend, the last one among them. */
export function pickRows(trend: Trend, count: number) {
  const step = Math.max(1, Math.ceil(trend.at.length / count))
  return trend.at
    .map((at, index) => ({
      at,
      min: trend.min[index] ?? null,
      mean: trend.mean[index] ?? null,
      max: trend.max[index] ?? null,
    }))
    .filter((_, index) => (trend.at.length - 1 - index) % step === 0)
}
