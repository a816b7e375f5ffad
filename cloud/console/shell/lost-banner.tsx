/** Says that the cloud does not answer, and since when: everything in view is then as old as that. */
import { IconPlugConnectedX } from '@tabler/icons-react'
import { useConnectionLostAt } from '../api/connection.ts'
import { formatDuration, formatInstant } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useNow } from '../parts/now.ts'

export function LostBanner() {
  const lostAt = useConnectionLostAt()
  const { t, language } = useWords()
  const now = useNow()
  return (
    <div role="alert">
      {lostAt !== null && (
        <div className="lost">
          <IconPlugConnectedX size={18} aria-hidden="true" />
          {t('lost', {
            time: formatInstant(lostAt, 'time', { language, timeZone: undefined }),
            age: formatDuration(now - lostAt, language),
          })}
        </div>
      )}
    </div>
  )
}
