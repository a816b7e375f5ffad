/** The same trend as a table, for those who read no picture; made only when it is opened. */
import { Table } from '@mantine/core'
import { useState } from 'react'
import { formatInstant, formatNumber, type Place } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import { pickRows, type Trend } from './trend.ts'

/** As many rows as one reads in one go. */
const maxRows = 24

interface TrendTableProps {
  name: string
  unit: string | null
  trend: Trend
  place: Place
}

export function TrendTable({ name, unit, trend, place }: TrendTableProps) {
  const { t } = useWords()
  const [open, setOpen] = useState(false)
  const title = unit ? `${name} [${unit}]` : name
  return (
    <details className="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('chart.table')}</summary>
      {open && (
        <WideTable
          label={title}
          minWidth={320}
          heads={[t('time'), t('chart.mean'), t('chart.min'), t('chart.max')]}
        >
          {pickRows(trend, maxRows).map(({ at, min, mean, max }) => (
            <Table.Tr key={at}>
              <Table.Th scope="row">{formatInstant(at, 'moment', place)}</Table.Th>
              {[mean, min, max].map((value, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: three columns that stay
                <Table.Td key={index} className="number">
                  {value === null ? '—' : formatNumber(value, place.language)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </WideTable>
      )}
    </details>
  )
}
