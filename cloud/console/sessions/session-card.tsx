/** One session: who wants what, why, until when, and the buttons its state and the person's role allow. */
import { Text } from '@mantine/core'
import type { SessionView } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'
import { Facts } from '../parts/facts.tsx'
import { Go } from '../parts/go.tsx'
import { SessionMark } from '../parts/state-marks.tsx'
import { When } from '../parts/when.tsx'
import { DecisionForm } from './decision-form.tsx'
import { useEndReason } from './end-reason.ts'
import { EndButton, HoldButton, OpenButton } from './session-buttons.tsx'

function useSessionFacts(session: SessionView) {
  const { t } = useWords()
  const endReason = useEndReason()
  const { site, approver } = session
  const rights = session.rights.includes('control') ? t('rights.control') : t('rights.view')
  return {
    asked: [
      [t('session.person'), session.person.name],
      [t('session.target'), `${session.targetTitle} (${session.gateway})`],
      [t('reason'), session.reason],
      [
        t('session.asked-for'),
        `${t('session.for-minutes', { minutes: session.minutes })} · ${rights}`,
      ],
      [t('session.requested'), <When key="asked" at={session.requestedAt} site={site} />],
    ] as const,
    done: [
      ...(approver
        ? [
            [
              session.state === 'refused' ? t('session.refused-by') : t('session.approved'),
              `${approver.name}${session.decisionNote ? `: ${session.decisionNote}` : ''}`,
            ] as const,
          ]
        : []),
      ...(session.until !== null && session.endedAt === null
        ? [
            [
              t('session.until'),
              <When key="until" at={session.until} site={site} style="time" />,
            ] as const,
          ]
        : []),
      ...(session.endedAt !== null
        ? [[t('session.ended'), <When key="ended" at={session.endedAt} site={site} />] as const]
        : []),
      ...(session.endReason
        ? [[t('session.end-reason'), endReason(session.endReason)] as const]
        : []),
    ],
  }
}

interface SessionCardProps {
  session: SessionView
  /** The page it stands on, to which it need not link. */
  on: 'case' | 'session' | 'list'
}

export function SessionCard({ session, on }: SessionCardProps) {
  const { t } = useWords()
  const { asked, done } = useSessionFacts(session)
  const { state } = session
  const over = state === 'ended' || state === 'refused'
  return (
    <article
      className="card"
      data-state={state}
      aria-label={t('session.of', { person: session.person.name })}
    >
      <header>
        <SessionMark state={state} />
        <span className="marks">
          {on !== 'session' && <Go to={`/sessions/${session.id}`}>{t('session.page')}</Go>}
          {on !== 'case' && <Go to={`/cases/${session.caseId}`}>{t('case')}</Go>}
          {session.startedAt !== null && (
            <Go to={`/sessions/${session.id}/recording`}>{t('session.recording')}</Go>
          )}
        </span>
      </header>
      <Facts facts={[...asked, ...done]} />
      {state === 'requested' && <DecisionForm session={session} />}
      {state === 'requested' && (
        <Text size="xs" c="dimmed">
          {t('session.waits')}
        </Text>
      )}
      {!over && (
        <div className="marks">
          <OpenButton session={session} />
          {(state === 'active' || state === 'paused') && <HoldButton session={session} />}
          <EndButton session={session} />
        </div>
      )}
    </article>
  )
}
