/** Access from a case: the request form, and every session of the case with what may be done about it. */
import { Stack } from '@mantine/core'
import type { CaseDetail } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'
import { Panel } from '../parts/panel.tsx'
import { SessionCard } from '../sessions/session-card.tsx'
import { RequestForm } from './request-form.tsx'

const living: readonly string[] = ['requested', 'approved', 'active', 'paused']

/** Once the recovery is verified another visit is the exception: the form is folded, so that closing stands first. */
function RequestOrNot({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  if (detail.verifiedAt === null) return <RequestForm detail={detail} />
  return (
    <details>
      <summary>{t('access.again')}</summary>
      <RequestForm detail={detail} />
    </details>
  )
}

export function AccessPanel({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const newest = detail.sessions.toSorted((a, b) => b.requestedAt - a.requestedAt)
  const running = newest.some(({ state }) => living.includes(state))
  const open = detail.closedAt === null
  return (
    <Panel title={t('access.title')}>
      <Stack gap="sm">
        {newest.map((session) => (
          <SessionCard key={session.id} session={session} on="case" />
        ))}
        {open && !running && <RequestOrNot detail={detail} />}
      </Stack>
    </Panel>
  )
}
