/** Everything that happened on a case, newest last, as it will stand in the file. */
import type { CaseDetail } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { When } from '../parts/when.tsx'

export function CaseEvents({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  if (detail.events.length === 0) return <Nothing>{t('case.no-events')}</Nothing>
  return (
    <ul className="events">
      {detail.events.map((event) => (
        <li key={`${event.at} ${event.kind} ${event.text}`}>
          <When at={event.at} site={detail.site} style="time" />
          <span className="event-text">{event.text}</span>
          <span className="event-who">
            {event.person ?? t('person.system')} · <code>{event.kind}</code>
          </span>
        </li>
      ))}
    </ul>
  )
}
