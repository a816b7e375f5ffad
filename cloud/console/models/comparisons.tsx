/** The version in use beside those on trial, on the same live rows. */
import { Table } from '@mantine/core'
import type { AssetModels, ModelVersionView } from '../../../protocol/api-models.ts'
import { formatNumber, formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

interface ComparisonsProps {
  list: AssetModels['comparisons']
  models: readonly ModelVersionView[]
  site: string
}

export function Comparisons({ list, models, site }: ComparisonsProps) {
  const { t, language } = useWords()
  if (list.length === 0) return <Nothing>{t('compare.none')}</Nothing>
  const nameOf = (id: string) => {
    const found = models.find((model) => model.id === id)
    return found ? `${found.name} ${found.version}` : id
  }
  return (
    <WideTable
      label={t('compare.title')}
      minWidth={560}
      heads={[
        t('compare.pair'),
        t('since.head'),
        t('compare.rows'),
        t('compare.agreement'),
        t('compare.alarms-active'),
        t('compare.alarms-other'),
      ]}
    >
      {list.map((one) => (
        <Table.Tr key={`${one.active} ${one.other}`}>
          <Table.Th scope="row">
            {t('compare.versus', { active: nameOf(one.active), other: nameOf(one.other) })}
          </Table.Th>
          <Table.Td>
            <When at={one.since} site={site} style="moment" />
          </Table.Td>
          <Table.Td className="number">{formatNumber(one.rows, language)}</Table.Td>
          <Table.Td className="number">
            {one.agreement === null ? '—' : formatShare(one.agreement, language)}
          </Table.Td>
          <Table.Td className="number">{one.activeAlarms}</Table.Td>
          <Table.Td className="number">{one.otherAlarms}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
