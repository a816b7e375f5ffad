/** The site's decision on a request: approve or refuse, with a note. */
import { Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { SessionView } from '../../../protocol/api.ts'
import { decideSession } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { Mark } from '../parts/mark.tsx'

/** Where the site itself decides there is no approval here, for nobody; a no may be said here too. */
export function DecisionForm({ session }: { session: SessionView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const why = whyNot('session.approve')
  const isSites = session.waitsFor === 'site'
  const [note, setNote] = useState('')
  const change = useChange((decision: 'approve' | 'refuse') =>
    decideSession(session.id, decision, note === '' ? {} : { note }),
  )
  const { variables, isPending } = change
  return (
    <Stack gap="xs">
      {isSites && <Mark tone="info">{t('session.waits-for-site')}</Mark>}
      {why === null && (
        <TextInput
          label={t('session.note')}
          maxLength={1000}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
      )}
      {change.error && <Problem error={change.error} />}
      <Group gap="xs">
        {!isSites && (
          <ActButton
            why={why}
            loading={isPending && variables === 'approve'}
            onClick={() => change.mutate('approve')}
          >
            {t('session.approve')}
          </ActButton>
        )}
        <ActButton
          variant="default"
          why={why}
          loading={isPending && variables === 'refuse'}
          onClick={() => change.mutate('refuse')}
        >
          {t('session.refuse')}
        </ActButton>
      </Group>
    </Stack>
  )
}
