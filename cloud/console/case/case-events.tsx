/** Everything that happened on a case, newest last, as it will stand in the file. */
import type { CaseDetail } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'
import { sayKind } from '../i18n/said.ts'
import { useSayText } from '../i18n/speech.ts'
import { Nothing } from '../parts/answer.tsx'
import { When } from '../parts/when.tsx'

export function CaseEvents({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const sayText = useSayText(detail.site)
  if (detail.events.length === 0) return <Nothing>{t('case.no-events')}</Nothing>
  return (
    <ul className="events">
      {detail.events.map((event) => (
        <li key={`${event.at} ${event.kind} ${event.text}`}>
          <When at={event.at} site={detail.site} style="time" />
          <span className="event-text">{sayText(event.text)}</span>
          <span className="event-who">
            {event.person ?? t('person.system')} ·{' '}
            <span title={event.kind}>{sayKind(event.kind, t)}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}
