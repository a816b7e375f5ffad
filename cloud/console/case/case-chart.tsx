/** The score around the event, from before the first alarm to after the recovery, with the marks of what happened. */
import { useMemo } from 'react'
import type { CaseDetail } from '../../../protocol/api.ts'
import { RatioChart } from '../charts/ratio-chart.tsx'
import { useWords } from '../i18n/language.tsx'
import { shadesOf, useWorkInView, WorkList } from '../maintenance/work-marks.tsx'
import { Nothing } from '../parts/answer.tsx'
import { When } from '../parts/when.tsx'

/** Shown before the first alarm, to see the normal state. */
const beforeMs = 120_000
/** Shown after the end, to see that it held. */
const afterMs = 60_000
/** The open end moves in steps, so that a chart is asked again only now and then. */
const stepMs = 60_000

interface Moment {
  at: number
  label: string
  words: string
}

/** What happened, in order, numbered for the chart. */
function useMoments(detail: CaseDetail): Moment[] {
  const { t } = useWords()
  const found: { at: number; words: string }[] = []
  for (const alarm of detail.alarms) {
    found.push({ at: alarm.raisedAt, words: t('moment.alarm') })
    if (alarm.clearedAt !== null) found.push({ at: alarm.clearedAt, words: t('moment.cleared') })
  }
  for (const session of detail.sessions) {
    if (session.startedAt !== null) found.push({ at: session.startedAt, words: t('moment.opened') })
    if (session.endedAt !== null && session.startedAt !== null)
      found.push({ at: session.endedAt, words: t('moment.ended') })
  }
  if (detail.verifiedAt !== null) found.push({ at: detail.verifiedAt, words: t('moment.verified') })
  found.sort((a, b) => a.at - b.at)
  return found.map((moment, index) => ({ ...moment, label: String(index + 1) }))
}

export function CaseChart({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const moments = useMoments(detail)
  const first = Math.min(detail.openedAt, ...detail.alarms.map(({ raisedAt }) => raisedAt))
  const end = detail.closedAt ?? Math.ceil(Date.now() / stepMs) * stepMs
  const window = useMemo(() => ({ from: first - beforeMs, to: end + afterMs }), [first, end])
  const works = useWorkInView(detail.asset, window)
  if (detail.ratioTag === null) return <Nothing>{t('model.none')}</Nothing>
  return (
    <>
      <RatioChart
        tag={detail.ratioTag}
        site={detail.site}
        window={window}
        marks={moments}
        shades={shadesOf(works)}
        height={220}
      />
      <ol className="moments">
        {moments.map(({ at, words, label }) => (
          <li key={label}>
            <When at={at} site={detail.site} style="time" /> {words}
          </li>
        ))}
      </ol>
      <WorkList works={works} site={detail.site} />
    </>
  )
}
