/** The frozen report of a closed case, laid out so that it prints on paper. */
import { Button, Stack, Table, Title } from '@mantine/core'
import { IconPrinter } from '@tabler/icons-react'
import type { CaseReport } from '../../../protocol/api.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { useSayText } from '../i18n/speech.ts'
import { Nothing } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { Mark } from '../parts/mark.tsx'
import { Panel } from '../parts/panel.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import { ReportSession } from './report-session.tsx'
import { useUsefulness } from './usefulness.ts'

function ReportFacts({ report }: { report: CaseReport }) {
  const { t } = useWords()
  const { say } = useUsefulness()
  const { site } = report
  return (
    <Facts
      facts={[
        [t('case'), `${sayMessage(report.title, t)} (${report.caseId})`],
        [t('asset.title'), `${report.asset} · ${site}`],
        [t('case.opened'), <When key="opened" at={report.openedAt} site={site} />],
        [
          t('case.verified'),
          report.verifiedAt === null ? (
            <Mark key="verified" tone="warn">
              {t('report.unverified', { reason: report.unverifiedReason ?? '—' })}
            </Mark>
          ) : (
            <Mark key="verified" tone="good">
              <When at={report.verifiedAt} site={site} />
            </Mark>
          ),
        ],
        [t('case.closed'), <When key="closed" at={report.closedAt} site={site} />],
        [t('report.by'), report.closedBy],
        [t('close.cause'), report.cause],
        [t('close.action'), report.action],
        [t('case.usefulness'), say(report.usefulness)],
      ]}
    />
  )
}

function ReportSteps({ report }: { report: CaseReport }) {
  const { t } = useWords()
  return (
    <ol className="moments">
      {report.steps.map(({ step, at, person }) => (
        <li key={step}>
          <When at={at} site={report.site} style="time" /> {t(`step.${step}`)}
          {person && ` · ${person}`}
        </li>
      ))}
    </ol>
  )
}

function ReportFindings({ report }: { report: CaseReport }) {
  const { t } = useWords()
  const sayText = useSayText(report.site)
  const { findings = [] } = report
  if (findings.length === 0) return null
  return (
    <>
      <Title order={3} size="h6">
        {t('report.findings')}
      </Title>
      <ul className="lines">
        {findings.map(({ at, text }) => (
          <li key={`${at} ${text}`}>
            <When at={at} site={report.site} style="time" /> {sayText(text)}
          </li>
        ))}
      </ul>
    </>
  )
}

function ReportTags({ report }: { report: CaseReport }) {
  const { t, language } = useWords()
  const show = (value: number | string | boolean | null, unit: string | null) => {
    if (value === null) return '—'
    const text = typeof value === 'number' ? formatNumber(value, language) : String(value)
    return unit ? `${text} ${unit}` : text
  }
  if (report.tags.length === 0) return <Nothing>{t('tags.none')}</Nothing>
  return (
    <WideTable
      label={t('report.tags')}
      minWidth={420}
      heads={[t('tag'), t('report.normal'), t('report.before'), t('report.after')]}
    >
      {report.tags.map(({ tag, name, unit, normal, before, after }) => (
        <Table.Tr key={tag}>
          <Table.Th scope="row" title={tag}>
            {name}
          </Table.Th>
          <Table.Td className="number">{show(normal, unit)}</Table.Td>
          <Table.Td className="number">{show(before, unit)}</Table.Td>
          <Table.Td className="number">{show(after, unit)}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

export function CaseReportView({ report }: { report: CaseReport }) {
  const { t } = useWords()
  return (
    <Panel
      title={t('report.title')}
      className="report"
      side={
        <span className="no-print marks">
          <Button
            variant="default"
            leftSection={<IconPrinter size={14} aria-hidden="true" />}
            onClick={() => window.print()}
          >
            {t('report.print')}
          </Button>
          <Button
            component="a"
            variant="default"
            href={`/api/cases/${encodeURIComponent(report.caseId)}/report`}
            download={`${report.caseId}.json`}
          >
            {t('report.json')}
          </Button>
        </span>
      }
    >
      <div className="report-columns">
        <Stack gap="xs">
          <ReportFacts report={report} />
          <Title order={3} size="h6">
            {t('case.steps')}
          </Title>
          <ReportSteps report={report} />
          <ReportFindings report={report} />
        </Stack>
        <Stack gap="xs">
          <Title order={3} size="h6">
            {t('report.tags')}
          </Title>
          <ReportTags report={report} />
          <Title order={3} size="h6">
            {t('report.sessions')}
          </Title>
          {report.sessions.length === 0 && <Nothing>{t('sessions.none')}</Nothing>}
          {report.sessions.map((one) => (
            <ReportSession key={one.session.id} {...one} />
          ))}
        </Stack>
      </div>
    </Panel>
  )
}
