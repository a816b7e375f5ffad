/** One session in the report: who, when, approved by whom, and every change that was made. */
import { Table, Text } from '@mantine/core'
import type { CaseReport } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

export function ReportSession(one: CaseReport['sessions'][number]) {
  const { session, exchanges, changes, recordingSha256 } = one
  const { t } = useWords()
  return (
    <div className="report-session">
      <Text size="sm">
        {session.person.name} · {session.targetTitle}
        {session.approver && ` · ${t('session.approved-by', { person: session.approver.name })}`}
      </Text>
      <Text size="sm" component="div" className="times">
        {session.startedAt !== null && <When at={session.startedAt} site={session.site} />}
        {session.endedAt !== null && (
          <span>
            – <When at={session.endedAt} site={session.site} style="time" />
          </span>
        )}
        <span>{t('recording.count', { count: exchanges })}</span>
        <Go to={`/sessions/${session.id}/recording`}>{t('session.recording')}</Go>
      </Text>
      {recordingSha256 && <code className="hash">SHA-256 {recordingSha256}</code>}
      {changes.length === 0 ? (
        <Nothing>{t('report.no-changes')}</Nothing>
      ) : (
        <WideTable
          label={t('report.changes')}
          minWidth={420}
          heads={[t('time'), t('report.changes'), t('exchange.status')]}
        >
          {changes.map(({ at, method, path, body, status }) => (
            <Table.Tr key={`${at} ${path}`}>
              <Table.Td>
                <When at={at} site={session.site} style="time" />
              </Table.Td>
              <Table.Td>
                <code>
                  {method} {path}
                </code>
                {body && <pre className="body">{body}</pre>}
              </Table.Td>
              <Table.Td className="number">{status}</Table.Td>
            </Table.Tr>
          ))}
        </WideTable>
      )}
    </div>
  )
}
