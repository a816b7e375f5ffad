/** All visits to machines: what is asked, what runs, what was. */
import { Stack } from '@mantine/core'
import { useState } from 'react'
import type { Scope } from '../api/client.ts'
import { useSessions } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Page } from '../parts/page.tsx'
import { ScopeChoice } from '../parts/scope-choice.tsx'
import { SessionCard } from './session-card.tsx'

export function SessionsPage() {
  const { t } = useWords()
  const [scope, setScope] = useState<Scope>('open')
  const sessions = useSessions(scope)
  return (
    <Page title={t('sessions.title')} side={<ScopeChoice value={scope} onChange={setScope} />}>
      <Answer query={sessions}>
        {({ sessions: list }) => (
          <Stack gap="xs">
            {list.length === 0 && (
              <Nothing>{t(scope === 'open' ? 'sessions.none-open' : 'sessions.none')}</Nothing>
            )}
            {list.map((session) => (
              <SessionCard key={session.id} session={session} on="list" />
            ))}
          </Stack>
        )}
      </Answer>
    </Page>
  )
}
