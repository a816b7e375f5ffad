/** One asset at a glance: health in words, how near to its limit, and the open case. */
import { Text } from '@mantine/core'
import type { AssetSummary } from '../../../protocol/api.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { WorkMark } from '../maintenance/work-marks.tsx'
import { Go } from '../parts/go.tsx'
import { HealthMark } from '../parts/state-marks.tsx'

export function AssetCard({ asset }: { asset: AssetSummary }) {
  const { t, language } = useWords()
  const sayText = useSayText(asset.site)
  return (
    <article className="card" data-health={asset.health}>
      <header>
        <Go to={`/assets/${encodeURIComponent(asset.id)}`}>{asset.name}</Go>
        <HealthMark health={asset.health} />
      </header>
      <Text size="xs" c="dimmed">
        {asset.kind}
      </Text>
      {asset.ratio !== null && (
        <div className="ratio">
          <Text size="sm" className="number">
            {t('asset.ratio', { ratio: formatNumber(Number(asset.ratio.toFixed(2)), language) })}
          </Text>
          <span className="ratio-bar" aria-hidden="true">
            <span
              data-over={asset.ratio > 1 || undefined}
              style={{ width: `${Math.min(100, asset.ratio * 50)}%` }}
            />
          </span>
        </div>
      )}
      {asset.healthReason && <Text size="sm">{sayText(asset.healthReason)}</Text>}
      {asset.activeAlarms > 0 && (
        <Text size="sm">{t('asset.active-alarms', { count: asset.activeAlarms })}</Text>
      )}
      {asset.maintenance && (
        <Text size="sm" component="div">
          <WorkMark work={asset.maintenance} site={asset.site} /> {asset.maintenance.text}
        </Text>
      )}
      {asset.openCase && <Go to={`/cases/${asset.openCase}`}>{t('asset.open-case')}</Go>}
    </article>
  )
}
