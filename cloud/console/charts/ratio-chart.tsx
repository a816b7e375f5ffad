/** An asset's score against its alarm limit over a window of the past, with marks of what happened; it never runs ahead of the clock. */
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Problem } from '../parts/answer.tsx'
import { useNow } from '../parts/now.ts'
import type { EventMark, Shade } from './paint.ts'
import { emptyTrend } from './trend.ts'
import { TrendChart } from './trend-chart.tsx'
import { useTrend, type Window } from './use-trend.ts'

interface RatioChartProps {
  /** The asset's ratio tag. */
  tag: string
  site: string
  /** May end in the future: what is not yet is not shown. */
  window: Window
  marks?: readonly EventMark[]
  shades?: readonly Shade[]
  height?: number
}

export function RatioChart({ tag, site, window, marks, shades, height }: RatioChartProps) {
  const { t } = useWords()
  const place = usePlace(site)
  const now = useNow()
  const { query, trend } = useTrend(tag, window)
  return (
    <>
      {query.error && <Problem error={query.error} again={() => void query.refetch()} />}
      <TrendChart
        name={t('chart.ratio')}
        unit={null}
        trend={trend?.trend ?? emptyTrend()}
        window={{ from: window.from, to: Math.min(window.to, now) }}
        place={place}
        limit={1}
        marks={marks}
        shades={shades}
        height={height}
      />
    </>
  )
}
