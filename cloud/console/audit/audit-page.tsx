/** The audit log, newest first, and whether its chain of hashes is intact. */
import { Table } from '@mantine/core'
import { useWhyNot } from '../api/permission.tsx'
import { useAudit } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Mark } from '../parts/mark.tsx'
import { Page } from '../parts/page.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

/** What one reads in one go; the whole log is on the server. */
const limit = 200

export function AuditPage() {
  const { t } = useWords()
  const why = useWhyNot()('audit.read')
  return (
    <Page title={t('audit.title')}>{why === null ? <AuditTable /> : <Nothing>{why}</Nothing>}</Page>
  )
}

function AuditTable() {
  const { t } = useWords()
  const audit = useAudit(limit)
  return (
    <Answer query={audit}>
      {({ intact, entries }) => (
        <>
          <Mark tone={intact ? 'good' : 'bad'}>{t(intact ? 'audit.intact' : 'audit.broken')}</Mark>
          {entries.length === 0 && <Nothing>{t('audit.none')}</Nothing>}
          <WideTable
            label={t('audit.title')}
            minWidth={860}
            heads={[
              '#',
              t('time'),
              t('audit.actor'),
              t('audit.action'),
              t('audit.object'),
              t('audit.outcome'),
              t('audit.detail'),
            ]}
          >
            {entries.map((entry) => (
              <Table.Tr key={entry.seq}>
                <Table.Td className="number">{entry.seq}</Table.Td>
                <Table.Td>
                  <When at={entry.at} site={entry.site ?? undefined} />
                </Table.Td>
                <Table.Td>{entry.actor}</Table.Td>
                <Table.Td>
                  <code>{entry.action}</code>
                </Table.Td>
                <Table.Td>{entry.object}</Table.Td>
                <Table.Td>{entry.outcome}</Table.Td>
                <Table.Td>{entry.detail}</Table.Td>
              </Table.Tr>
            ))}
          </WideTable>
        </>
      )}
    </Answer>
  )
}
