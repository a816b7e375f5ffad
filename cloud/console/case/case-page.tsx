/** One case from report to document: its eight steps, its evidence, access, recovery, and how it ends. */
import { Stack, Text } from '@mantine/core'
import type { CaseDetail } from '../../../protocol/api.ts'
import { AlarmCard } from '../alarms/alarm-card.tsx'
import { useCase } from '../api/queries.ts'
import { ExplanationView } from '../explanation/explanation.tsx'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Contributions } from '../parts/contributions.tsx'
import { Go } from '../parts/go.tsx'
import { Mark } from '../parts/mark.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { CaseMark } from '../parts/state-marks.tsx'
import { AccessPanel } from './access-panel.tsx'
import { CaseChart } from './case-chart.tsx'
import { CaseEvents } from './case-events.tsx'
import { CaseReportView } from './case-report.tsx'
import { CaseSteps } from './case-steps.tsx'
import { CloseForm } from './close-form.tsx'
import { Recovery } from './recovery.tsx'
import { WorkButtons } from './work-buttons.tsx'

export function CasePage({ id }: { id: string }) {
  const { t } = useWords()
  const found = useCase(id)
  return (
    <Answer query={found}>
      {(detail) => (
        <Page title={sayMessage(detail.title, t)} side={<CaseMarks detail={detail} />}>
          <CaseBody detail={detail} />
        </Page>
      )}
    </Answer>
  )
}

function CaseMarks({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  return (
    <>
      <CaseMark state={detail.state} />
      {detail.verifiedAt !== null && <Mark tone="good">{t('case.verified')}</Mark>}
    </>
  )
}

function CaseBody({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const open = detail.closedAt === null
  // The alarm that came first saw the beginning: it points at the cause.
  const first = detail.alarms.toSorted((a, b) => a.raisedAt - b.raisedAt)[0]
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed" className="no-print">
        <Go to={`/assets/${encodeURIComponent(detail.asset)}`}>{detail.assetName}</Go> ·{' '}
        {detail.site} · {detail.id}
      </Text>
      {detail.report && <CaseReportView report={detail.report} />}
      <div className="no-print">
        <CaseSteps detail={detail} />
      </div>
      <div className="columns no-print">
        <Stack gap="sm" className="side-column">
          <AccessPanel detail={detail} />
          <Recovery detail={detail} />
          {open && (
            <>
              <WorkButtons detail={detail} />
              <CloseForm detail={detail} />
            </>
          )}
        </Stack>
        <Stack gap="sm" className="wide-column">
          <Panel title={t('case.chart')}>
            <CaseChart detail={detail} />
          </Panel>
          <Panel title={t('contributions.title')}>
            <Contributions asset={detail.asset} list={detail.contributions} />
          </Panel>
          {first && (
            <Panel title={t('why.title')}>
              <ExplanationView alarm={first} />
            </Panel>
          )}
          <Panel title={t('alarms.title')}>
            <Stack gap="xs">
              {detail.alarms.length === 0 && <Nothing>{t('case.no-alarms')}</Nothing>}
              {detail.alarms.map((alarm) => (
                <AlarmCard key={alarm.id} alarm={alarm} inCase />
              ))}
            </Stack>
          </Panel>
          <Panel title={t('case.events')}>
            <CaseEvents detail={detail} />
          </Panel>
        </Stack>
      </div>
    </Stack>
  )
}
