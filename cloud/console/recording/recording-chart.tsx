/** The asset's score while somebody worked on it, with a mark at every change they sent. */
import { useMemo } from 'react'
import type { RecordingView } from '../../../protocol/api.ts'
import { useCase } from '../api/queries.ts'
import { emptyTrend } from '../charts/trend.ts'
import { TrendChart } from '../charts/trend-chart.tsx'
import { useTrend } from '../charts/use-trend.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Nothing, Problem, Waiting } from '../parts/answer.tsx'

/** Shown before and after the visit. */
const marginMs = 60_000
/** The open end of a running session moves in steps. */
const stepMs = 30_000

export function RecordingChart({ view }: { view: RecordingView }) {
  const { t } = useWords()
  const { session } = view
  const place = usePlace(session.site)
  const found = useCase(session.caseId)
  const from = (session.startedAt ?? session.requestedAt) - marginMs
  const to = (session.endedAt ?? Math.ceil(Date.now() / stepMs) * stepMs) + marginMs
  const window = useMemo(() => ({ from, to }), [from, to])
  const { query, trend } = useTrend(found.data?.ratioTag ?? null, window)
  const marks = view.exchanges
    .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    .map(({ at, method }) => ({ at, label: method }))
  if (found.isPending) return <Waiting />
  if (!found.data?.ratioTag) return <Nothing>{t('model.none')}</Nothing>
  return (
    <>
      {query.error && <Problem error={query.error} again={() => void query.refetch()} />}
      <TrendChart
        name={t('chart.ratio')}
        unit={null}
        trend={trend?.trend ?? emptyTrend()}
        window={window}
        place={place}
        limit={1}
        marks={marks}
        height={170}
      />
    </>
  )
}
