/** The score against its alarm band, and below it small charts of the tags one chooses. */
import { MultiSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import { useLevelChanges } from '../api/model-queries.ts'
import { emptyTrend } from '../charts/trend.ts'
import { TrendChart } from '../charts/trend-chart.tsx'
import { useLiveTrends } from '../charts/use-trend.ts'
import { LevelList } from '../explanation/level-list.tsx'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { shadesOf, useWorkInView, WorkList } from '../maintenance/work-marks.tsx'
import { Nothing, Problem } from '../parts/answer.tsx'

/** Small multiples beyond this are read by nobody, and the API takes 20 tags at once. */
const maxCharts = 12

/** The tags that matter first: those the model blames, then the first ones listed. */
function firstTags(asset: AssetDetail): string[] {
  const numeric = asset.tags.filter(({ type }) => type !== 'String').map(({ id }) => id)
  const blamed = asset.model?.contributions.map(({ tag }) => tag) ?? []
  const known = blamed.filter((tag) => numeric.includes(tag))
  return [...new Set([...known, ...numeric])].slice(0, 4)
}

export function TagCharts({ asset, spanMs }: { asset: AssetDetail; spanMs: number }) {
  const { t } = useWords()
  const place = usePlace(asset.site)
  const [chosen, setChosen] = useState(() => firstTags(asset))
  const ratioTag = asset.model?.ratioTag
  const tags = ratioTag ? [ratioTag, ...chosen] : chosen
  const { query, trends, window } = useLiveTrends(asset.id, tags, spanMs)
  const changes = useLevelChanges(asset.id, chosen, spanMs).data?.changes ?? []
  const works = useWorkInView(asset.id, window)
  const chart = { window, place, shades: shadesOf(works) }
  // The words stand in the first chart, and in the list below it.
  const wordless = chart.shades.map((shade) => ({ ...shade, label: undefined }))
  const names = new Map(asset.tags.map((tag) => [tag.id, tag]))
  return (
    <Stack gap="xs">
      {query.error && <Problem error={query.error} again={() => void query.refetch()} />}
      {ratioTag && (
        <TrendChart
          {...chart}
          name={t('chart.ratio')}
          unit={null}
          trend={trends.get(ratioTag)?.trend ?? emptyTrend()}
          limit={1}
          height={190}
        />
      )}
      <WorkList works={works} site={asset.site} />
      <MultiSelect
        label={t('chart.tags')}
        description={t('chart.tags-limit', { count: maxCharts })}
        size="sm"
        searchable
        hidePickedOptions
        maxValues={maxCharts}
        nothingFoundMessage={t('chart.tags-none')}
        data={asset.tags
          .filter(({ type, id }) => type !== 'String' && id !== ratioTag)
          .map(({ id, name }) => ({ value: id, label: name }))}
        value={chosen}
        onChange={setChosen}
      />
      {chosen.length === 0 && <Nothing>{t('chart.choose')}</Nothing>}
      <div className="multiples">
        {chosen.map((tag) => (
          <TrendChart
            key={tag}
            {...chart}
            shades={ratioTag ? wordless : chart.shades}
            name={names.get(tag)?.name ?? tag}
            unit={names.get(tag)?.unit ?? null}
            trend={trends.get(tag)?.trend ?? emptyTrend()}
            levels={changes.filter((one) => one.tag === tag)}
            height={130}
          />
        ))}
      </div>
      {changes.length > 0 && (
        <>
          <Text size="xs" c="dimmed">
            {t('level.text')}
          </Text>
          <details className="chart-table">
            <summary>{t('level.list', { count: changes.length })}</summary>
            <LevelList list={changes} site={asset.site} style="moment" />
          </details>
        </>
      )}
    </Stack>
  )
}
