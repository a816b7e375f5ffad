/** The latest value of every tag with its quality and age; what is old looks old. */
import { Table } from '@mantine/core'
import type { AssetDetail } from '../../../protocol/api.ts'
import { formatDuration, formatValue } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { useNow } from '../parts/now.ts'
import { QualityMark } from '../parts/state-marks.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

type TagRow = AssetDetail['tags'][number]

function Row({ tag, site, now }: { tag: TagRow; site: string; now: number }) {
  const { t, language } = useWords()
  const { latest } = tag
  return (
    <Table.Tr className={latest?.quality === 192 ? undefined : 'stale-row'}>
      <Table.Th scope="row" title={tag.id}>
        {tag.name}
      </Table.Th>
      <Table.Td className="number">
        {formatValue(latest?.value, language)}
        {tag.unit && latest?.value !== null && latest ? ` ${tag.unit}` : ''}
      </Table.Td>
      <Table.Td>{latest ? <QualityMark quality={latest.quality} /> : t('tag.never')}</Table.Td>
      <Table.Td>{latest ? <When at={latest.at} site={site} style="time" /> : '—'}</Table.Td>
      <Table.Td className="number">
        {latest ? formatDuration(now - latest.at, language) : '—'}
      </Table.Td>
    </Table.Tr>
  )
}

export function TagTable({ asset }: { asset: AssetDetail }) {
  const { t } = useWords()
  const now = useNow()
  if (asset.tags.length === 0) return <Nothing>{t('tags.none')}</Nothing>
  return (
    <WideTable
      label={t('asset.tags')}
      minWidth={520}
      heads={[t('tag'), t('value'), t('quality'), t('time'), t('age')]}
    >
      {asset.tags.map((tag) => (
        <Row key={tag.id} tag={tag} site={asset.site} now={now} />
      ))}
    </WideTable>
  )
}
