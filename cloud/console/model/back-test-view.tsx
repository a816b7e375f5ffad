/** What a version would have said about history: in a sentence, on a chart, and as a list of alarms. */
import { Stack, Table, Text } from '@mantine/core'
import { useMemo } from 'react'
import type { BackTest } from '../../../protocol/api-models.ts'
import { TrendChart } from '../charts/trend-chart.tsx'
import { formatDuration, formatNumber, formatShare, formatSpan } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { TagName } from '../parts/tag-name.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import { parseTopTag, trendOf } from './back-test-trend.ts'
import { ModeTable } from './mode-table.tsx'

interface BackTestViewProps {
  backTest: BackTest
  asset: string
  site: string
}

/** "It would have alarmed 3 times in 8 weeks." */
export function BackTestSentence({ backTest }: { backTest: BackTest }) {
  const { t, language } = useWords()
  const { alarms, from, to, alarmsPerWeek, rows, unknownRows } = backTest
  const span = formatSpan(to - from, language)
  const count = alarms.length
  const key = count === 0 ? 'backtest.none' : count === 1 ? 'backtest.one' : 'backtest.many'
  return (
    <div>
      <Text fw={600} size="sm">
        {t(key, { count, span })}{' '}
        {alarmsPerWeek !== null &&
          count > 0 &&
          t('backtest.rate', { rate: formatNumber(Number(alarmsPerWeek.toFixed(1)), language) })}
      </Text>
      {unknownRows > 0 && (
        <Text size="sm">
          {t('backtest.unknown', {
            share: formatShare(unknownRows / Math.max(1, rows), language),
          })}
        </Text>
      )}
    </div>
  )
}

export function BackTestView({ backTest, asset, site }: BackTestViewProps) {
  const { t } = useWords()
  const place = usePlace(site)
  const trend = useMemo(() => trendOf(backTest), [backTest])
  const marks = backTest.alarms.map(({ from }, index) => ({ at: from, label: String(index + 1) }))
  const { windows = [], alarms: aside = [] } = backTest.maintenance ?? {}
  const shades = windows.map(({ from, to, text }) => {
    return { from, to, kind: 'work' as const, label: text }
  })
  return (
    <Stack gap="xs">
      <BackTestSentence backTest={backTest} />
      <TrendChart
        name={t('chart.ratio')}
        unit={null}
        trend={trend}
        window={{ from: backTest.from, to: backTest.to }}
        place={place}
        limit={1}
        marks={marks}
        shades={shades}
        height={200}
      />
      {backTest.modes && <ModeTable modes={backTest.modes} />}
      {backTest.alarms.length > 0 && (
        <AlarmTable label={t('backtest.list')} list={backTest.alarms} asset={asset} site={site} />
      )}
      {windows.length > 0 && (
        <details className="chart-table">
          <summary>{t('backtest.work', { count: aside.length })}</summary>
          <ul className="lines">
            {windows.map(({ from, to, text }) => (
              <li key={`${from} ${text}`}>
                <When at={from} site={site} style="moment" /> –{' '}
                <When at={to} site={site} style="moment" /> · {text}
              </li>
            ))}
          </ul>
          {aside.length > 0 && (
            <AlarmTable label={t('work.title')} list={aside} asset={asset} site={site} />
          )}
        </details>
      )}
    </Stack>
  )
}

interface AlarmTableProps {
  label: string
  list: BackTest['alarms']
  asset: string
  site: string
}

function AlarmTable({ label, list, asset, site }: AlarmTableProps) {
  const { t, language } = useWords()
  return (
    <WideTable
      label={label}
      minWidth={480}
      heads={['#', t('alarm.raised'), t('backtest.length'), t('backtest.peak'), t('backtest.top')]}
    >
      {list.map(({ from, to, peak, topTags }, index) => (
        <Table.Tr key={from}>
          <Table.Td className="number">{index + 1}</Table.Td>
          <Table.Td>
            <When at={from} site={site} style="moment" />
          </Table.Td>
          <Table.Td className="number">{formatDuration(to - from, language)}</Table.Td>
          <Table.Td className="number">{formatNumber(peak, language)} ×</Table.Td>
          <Table.Td>
            <ul className="lines">
              {topTags.map(parseTopTag).map(({ name, direction }) => (
                <li key={name}>
                  <TagName asset={asset} tag={name} /> {direction && t(`direction.${direction}`)}
                </li>
              ))}
            </ul>
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
