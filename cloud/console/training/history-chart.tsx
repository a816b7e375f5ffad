/** The asset's history with the periods taken for training and what was left out. */
import { NativeSelect } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import type { Period } from '../../../protocol/api-models.ts'
import { emptyTrend } from '../charts/trend.ts'
import { TrendChart } from '../charts/trend-chart.tsx'
import { useTrend } from '../charts/use-trend.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Problem } from '../parts/answer.tsx'

interface HistoryChartProps {
  asset: AssetDetail
  window: Period
  chosen: readonly Period[]
  excluded: readonly Period[]
}

export function HistoryChart({ asset, window, chosen, excluded }: HistoryChartProps) {
  const { t } = useWords()
  const place = usePlace(asset.site)
  const ratioTag = asset.model?.ratioTag
  const numeric = asset.tags.filter(({ type }) => type !== 'String')
  const [tag, setTag] = useState(ratioTag ?? numeric[0]?.id ?? null)
  const { from, to } = window
  const fixed = useMemo(() => ({ from, to }), [from, to])
  const { query, trend } = useTrend(tag, fixed)
  const found = numeric.find(({ id }) => id === tag)
  return (
    <>
      <NativeSelect
        label={t('training.tag')}
        value={tag ?? ''}
        onChange={(event) => setTag(event.currentTarget.value)}
        data={[
          ...(ratioTag ? [{ value: ratioTag, label: t('chart.ratio') }] : []),
          ...numeric.map(({ id, name, unit }) => ({
            value: id,
            label: unit ? `${name} [${unit}]` : name,
          })),
        ]}
      />
      {query.error && <Problem error={query.error} again={() => void query.refetch()} />}
      <TrendChart
        name={found?.name ?? t('chart.ratio')}
        unit={found?.unit ?? null}
        trend={trend?.trend ?? emptyTrend()}
        window={fixed}
        place={place}
        limit={tag === ratioTag ? 1 : undefined}
        shades={[
          ...chosen.map((period) => ({ ...period, kind: 'chosen' as const })),
          ...excluded.map((period) => ({ ...period, kind: 'excluded' as const })),
        ]}
        height={220}
      />
    </>
  )
}
