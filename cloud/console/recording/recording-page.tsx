/** The replay of a session: every exchange with its bodies, the events, whether the file is intact, and the score beside it. */
import { Button, Stack } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import type { RecordingView } from '../../../protocol/api.ts'
import { useRecording } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { Go } from '../parts/go.tsx'
import { Mark } from '../parts/mark.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { When } from '../parts/when.tsx'
import { Exchanges } from './exchanges.tsx'
import { RecordingChart } from './recording-chart.tsx'

export function RecordingPage({ id }: { id: string }) {
  const { t } = useWords()
  const recording = useRecording(id)
  return (
    <Page
      title={t('recording.title')}
      side={
        <Button
          component="a"
          variant="default"
          href={`/api/sessions/${encodeURIComponent(id)}/recording.har`}
          download={`${id}.har`}
          leftSection={<IconDownload size={14} aria-hidden="true" />}
        >
          {t('recording.har')}
        </Button>
      }
    >
      <Answer query={recording}>{(view) => <RecordingBody view={view} />}</Answer>
    </Page>
  )
}

function RecordingFacts({ view }: { view: RecordingView }) {
  const { t } = useWords()
  const { session } = view
  return (
    <Panel title={session.targetTitle}>
      <Facts
        facts={[
          [t('session.person'), session.person.name],
          [t('session.approved'), session.approver?.name ?? '—'],
          [
            t('case'),
            <Go key="case" to={`/cases/${session.caseId}`}>
              {session.caseId}
            </Go>,
          ],
          [
            t('recording.intact-head'),
            <Mark key="intact" tone={view.intact ? 'good' : 'bad'}>
              {t(view.intact ? 'recording.intact' : 'recording.broken')}
            </Mark>,
          ],
          ['SHA-256', <code key="sha">{view.sha256 ?? t('recording.running')}</code>],
        ]}
      />
    </Panel>
  )
}

function RecordingBody({ view }: { view: RecordingView }) {
  const { t } = useWords()
  return (
    <div className="columns">
      <Stack gap="sm" className="wide-column">
        <Panel title={t('recording.exchanges')}>
          <Exchanges view={view} />
        </Panel>
      </Stack>
      <Stack gap="sm" className="side-column">
        <RecordingFacts view={view} />
        <Panel title={t('recording.beside')}>
          <RecordingChart view={view} />
        </Panel>
        <Panel title={t('case.events')}>
          {view.events.length === 0 && <Nothing>{t('case.no-events')}</Nothing>}
          <ul className="events">
            {view.events.map((event) => (
              <li key={`${event.at} ${event.kind} ${event.text}`}>
                <When at={event.at} site={view.session.site} style="time" />
                <span className="event-text">{event.text}</span>
                <span className="event-who">
                  <code>{event.kind}</code>
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      </Stack>
    </div>
  )
}
