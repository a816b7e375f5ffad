/** A back-test as a chart takes it. Pure. */
import type { BackTest } from '../../../protocol/api-models.ts'
import { breakGaps, type Trend } from '../charts/trend.ts'

const good = 192

/** The largest ratio of each bucket as a line; where nothing is known there is a gap. */
export function trendOf({ series }: BackTest): Trend {
  const ratio = series.at.map((_, index) => series.ratio[index] ?? null)
  return breakGaps({
    at: series.at,
    min: ratio,
    mean: ratio,
    max: ratio,
    quality: ratio.map((value) => (value === null ? 0 : good)),
  })
}

export interface TopTag {
  name: string
  direction: 'high' | 'low' | null
}

/** `CE -` or `CE-`: a name and which way it left its normal. */
export function parseTopTag(text: string): TopTag {
  const sign = text.at(-1)
  if (sign !== '+' && sign !== '-' && sign !== '−') return { name: text, direction: null }
  return { name: text.slice(0, -1).trimEnd(), direction: sign === '+' ? 'high' : 'low' }
}
