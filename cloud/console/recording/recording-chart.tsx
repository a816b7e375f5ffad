/** The asset's score while somebody worked on it, with a mark at every change they sent. */
import { useMemo } from 'react'
import type { RecordingView } from '../../../protocol/api.ts'
import { useCase } from '../api/queries.ts'
import { RatioChart } from '../charts/ratio-chart.tsx'
import { useWords } from '../i18n/language.tsx'
import { Nothing, Waiting } from '../parts/answer.tsx'

/** Shown before and after the visit. */
const marginMs = 60_000
/** The open end of a running session moves in steps. */
const stepMs = 30_000

export function RecordingChart({ view }: { view: RecordingView }) {
  const { t } = useWords()
  const { session } = view
  const found = useCase(session.caseId)
  const from = (session.startedAt ?? session.requestedAt) - marginMs
  const to = (session.endedAt ?? Math.ceil(Date.now() / stepMs) * stepMs) + marginMs
  const window = useMemo(() => ({ from, to }), [from, to])
  const marks = view.exchanges
    .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    .map(({ at, method }) => ({ at, label: method }))
  if (found.isPending) return <Waiting />
  if (!found.data?.ratioTag) return <Nothing>{t('model.none')}</Nothing>
  return (
    <RatioChart
      tag={found.data.ratioTag}
      site={session.site}
      window={window}
      marks={marks}
      height={170}
    />
  )
}
