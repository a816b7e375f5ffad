/** How a back-test becomes a line with gaps, and its top tags names with a direction. */
import { describe, expect, it } from 'vitest'
import { poorSpans } from '../charts/trend.ts'
import { parseTopTag, trendOf } from './back-test-trend.ts'

describe('a back-test', () => {
  it('shows what is unknown as a gap, never as zero', () => {
    const trend = trendOf({
      from: 0,
      to: 40_000,
      rows: 4,
      unknownRows: 1,
      alarms: [],
      alarmsPerWeek: 0,
      series: { at: [0, 10_000, 20_000, 30_000], ratio: [0.5, null, 1.4, 0.6] },
    })
    expect(trend.mean).toEqual([0.5, null, 1.4, 0.6])
    expect(poorSpans(trend)).toEqual([{ from: 10_000, to: 20_000, kind: 'gap' }])
  })

  it('reads the direction behind the name of a tag', () => {
    expect(parseTopTag('CE-')).toEqual({ name: 'CE', direction: 'low' })
    expect(parseTopTag('Oil temperature +')).toEqual({ name: 'Oil temperature', direction: 'high' })
    expect(parseTopTag('PS1')).toEqual({ name: 'PS1', direction: null })
  })
})
