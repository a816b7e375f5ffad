/** What the system left out of the proposal, and why. */
import { Table } from '@mantine/core'
import type { TrainingProposal } from '../../../protocol/api-models.ts'
import { formatDuration } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Nothing } from '../parts/answer.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

interface ExcludedTableProps {
  list: TrainingProposal['excluded']
  site: string
}

export function ExcludedTable({ list, site }: ExcludedTableProps) {
  const { t, language } = useWords()
  const sayText = useSayText(site)
  if (list.length === 0) return <Nothing>{t('training.excluded-none')}</Nothing>
  return (
    <WideTable
      label={t('training.excluded')}
      minWidth={360}
      heads={[t('training.from'), t('backtest.length'), t('reason')]}
    >
      {list.map(({ from, to, reason }) => (
        <Table.Tr key={`${from} ${reason}`}>
          <Table.Td>
            <When at={from} site={site} style="moment" />
          </Table.Td>
          <Table.Td className="number">{formatDuration(to - from, language)}</Table.Td>
          <Table.Td>{sayText(reason)}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
