/** One session: while it runs, the machine's own screen in an isolated frame; before and after, its state in words. */
import { Text } from '@mantine/core'
import { IconPlayerRecordFilled } from '@tabler/icons-react'
import type { SessionView } from '../../../protocol/api.ts'
import { useSessions } from '../api/queries.ts'
import { formatDuration } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { useNow } from '../parts/now.ts'
import { Page } from '../parts/page.tsx'
import { SessionMark } from '../parts/state-marks.tsx'
import { When } from '../parts/when.tsx'
import { useOpenedUrl } from '../sessions/opened-url.ts'
import { EndButton, HoldButton, OpenButton } from '../sessions/session-buttons.tsx'
import { SessionCard } from '../sessions/session-card.tsx'

export function SessionPage({ id }: { id: string }) {
  const { t } = useWords()
  const sessions = useSessions('all')
  return (
    <Answer query={sessions}>
      {({ sessions: list }) => {
        const session = list.find((each) => each.id === id)
        if (!session)
          return (
            <Page title={t('session.title')}>
              <Nothing>{t('session.unknown', { id })}</Nothing>
            </Page>
          )
        return (
          <Page title={session.targetTitle} side={<SessionMark state={session.state} />}>
            <SessionBody session={session} />
          </Page>
        )
      }}
    </Answer>
  )
}

function SessionBody({ session }: { session: SessionView }) {
  const { t } = useWords()
  if (session.state !== 'active' && session.state !== 'paused') {
    return (
      <>
        <Text size="sm">{t(`session.about.${session.state}`)}</Text>
        <SessionCard session={session} on="session" />
      </>
    )
  }
  return (
    <>
      <SessionBar session={session} />
      <Screen session={session} />
    </>
  )
}

function Countdown({ until }: { until: number }) {
  const { t, language } = useWords()
  const now = useNow()
  const left = until - now
  return (
    <span className="number" data-tone={left < 120_000 ? 'bad' : undefined}>
      {t('session.left', { left: formatDuration(left, language) })}
    </span>
  )
}

function SessionBar({ session }: { session: SessionView }) {
  const { t } = useWords()
  return (
    <section className="session-bar" aria-label={t('session.bar')}>
      <span>{session.person.name}</span>
      {session.until !== null && (
        <span>
          {t('session.until')} <When at={session.until} site={session.site} style="time" />
        </span>
      )}
      {session.until !== null && <Countdown until={session.until} />}
      {session.recorded && (
        <span className="recorded">
          <IconPlayerRecordFilled size={13} aria-hidden="true" />
          {t('session.recorded')}
        </span>
      )}
      <Go to={`/cases/${session.caseId}`}>{t('session.to-case')}</Go>
      <span className="marks session-acts">
        <HoldButton session={session} />
        <EndButton session={session} />
      </span>
    </section>
  )
}

function Screen({ session }: { session: SessionView }) {
  const { t } = useWords()
  const url = useOpenedUrl(session.id)
  if (session.state === 'paused') return <Text size="sm">{t('session.about.paused')}</Text>
  if (url === null) {
    return (
      <>
        <Text size="sm">{t('session.about.active')}</Text>
        <div>
          <OpenButton session={session} />
        </div>
      </>
    )
  }
  // The frame is another origin: its scripts and forms are its own, and nothing of the console's is in reach.
  return (
    <iframe
      className="screen"
      src={url}
      title={t('session.screen', { target: session.targetTitle })}
      sandbox="allow-scripts allow-forms allow-same-origin"
      referrerPolicy="no-referrer"
    />
  )
}
