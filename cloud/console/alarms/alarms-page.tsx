/** Alarms in the words of ISA-18.2: what is active, who has seen it, what is shelved and until when. */
import { Stack } from '@mantine/core'
import { useState } from 'react'
import type { Scope } from '../api/client.ts'
import { useAlarms } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Page } from '../parts/page.tsx'
import { ScopeChoice } from '../parts/scope-choice.tsx'
import { AlarmCard } from './alarm-card.tsx'

export function AlarmsPage() {
  const { t } = useWords()
  const [scope, setScope] = useState<Scope>('open')
  const alarms = useAlarms(scope)
  return (
    <Page title={t('alarms.title')} side={<ScopeChoice value={scope} onChange={setScope} />}>
      <Answer query={alarms}>
        {({ alarms: list }) => (
          <Stack gap="xs">
            {list.length === 0 && (
              <Nothing>{t(scope === 'open' ? 'alarms.none-open' : 'alarms.none')}</Nothing>
            )}
            {list.map((alarm) => (
              <AlarmCard key={alarm.id} alarm={alarm} />
            ))}
          </Stack>
        )}
      </Answer>
    </Page>
  )
}
