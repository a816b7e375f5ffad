/** How a version would have done in each operating mode: how much of it was scored, and how many alarms began in it. */
import { Table } from '@mantine/core'
import type { BackTest } from '../../../protocol/api-models.ts'
import { formatNumber, formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { WideTable } from '../parts/wide-table.tsx'

export function ModeTable({ modes }: { modes: NonNullable<BackTest['modes']> }) {
  const { t, language } = useWords()
  return (
    <WideTable
      label={t('mode.list')}
      minWidth={320}
      heads={[t('mode.name'), t('mode.count'), t('mode.scored'), t('mode.alarms')]}
    >
      {modes.map(({ mode, learned, rows, unknownRows, alarms }) => (
        <Table.Tr key={mode}>
          <Table.Td>{mode}</Table.Td>
          <Table.Td className="number">{formatNumber(rows, language)}</Table.Td>
          <Table.Td className="number">
            {learned
              ? formatShare((rows - unknownRows) / Math.max(1, rows), language)
              : t('mode.unlearned')}
          </Table.Td>
          <Table.Td className="number">{formatNumber(alarms, language)}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
