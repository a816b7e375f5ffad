/** One asset: its score against the limit, its tags live, what its model says, its alarms and ways in. */
import { Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import { useAlarms, useAsset } from '../api/queries.ts'
import { SpanChoice, type SpanName, spans } from '../charts/span-choice.tsx'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { useSayText } from '../i18n/speech.ts'
import { LifePanel } from '../life/life-panel.tsx'
import { AssetMaintenance } from '../maintenance/asset-maintenance.tsx'
import { WorkBanner } from '../maintenance/work-marks.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Contributions } from '../parts/contributions.tsx'
import { Go } from '../parts/go.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { AlarmMark, HealthMark } from '../parts/state-marks.tsx'
import { Since } from '../parts/when.tsx'
import { ModelCard } from './model-card.tsx'
import { OpenCaseForm } from './open-case-form.tsx'
import { TagCharts } from './tag-charts.tsx'
import { TagTable } from './tag-table.tsx'
import { Targets } from './targets.tsx'

export function AssetPage({ id }: { id: string }) {
  const { t } = useWords()
  const asset = useAsset(id)
  return (
    <Answer query={asset}>
      {(detail) => (
        <Page title={detail.name} side={<HealthMark health={detail.health} />}>
          {detail.maintenance && <WorkBanner work={detail.maintenance} site={detail.site} />}
          <AssetBody asset={detail} label={t('asset.title')} />
        </Page>
      )}
    </Answer>
  )
}

function AssetAlarms({ asset }: { asset: AssetDetail }) {
  const { t } = useWords()
  const alarms = useAlarms('all')
  return (
    <Answer query={alarms}>
      {({ alarms: list }) => {
        const own = list.filter((alarm) => alarm.asset === asset.id).slice(0, 8)
        if (own.length === 0) return <Nothing>{t('alarms.none')}</Nothing>
        return (
          <ul className="attention">
            {own.map((alarm) => (
              <li key={alarm.id}>
                <AlarmMark alarm={alarm} />
                {alarm.caseId ? (
                  <Go to={`/cases/${alarm.caseId}`}>{sayMessage(alarm.message, t)}</Go>
                ) : (
                  <span>{sayMessage(alarm.message, t)}</span>
                )}
                <Since at={alarm.raisedAt} site={alarm.site} />
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}

function AssetBody({ asset, label }: { asset: AssetDetail; label: string }) {
  const { t } = useWords()
  const sayText = useSayText(asset.site)
  const [span, setSpan] = useState<SpanName>('5m')
  return (
    <div className="columns">
      <Stack gap="sm" className="wide-column">
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            {label} · {asset.kind} · {asset.site}
          </Text>
          {asset.healthReason && <Text size="sm">{sayText(asset.healthReason)}</Text>}
          {asset.openCase ? (
            <Go to={`/cases/${asset.openCase}`}>{t('asset.open-case')}</Go>
          ) : (
            <OpenCaseForm asset={asset.id} />
          )}
        </Group>
        <Panel title={t('asset.trend')} side={<SpanChoice value={span} onChange={setSpan} />}>
          <TagCharts asset={asset} spanMs={spans[span]} />
        </Panel>
        <Panel title={t('asset.tags')}>
          <TagTable asset={asset} />
        </Panel>
      </Stack>
      <Stack gap="sm" className="side-column">
        {asset.model && (
          <Panel title={t('contributions.title')}>
            {/* below the limit the largest deviation is still a deviation of nothing */}
            <Contributions
              asset={asset.id}
              list={(asset.ratio ?? 0) >= 1 ? asset.model.contributions : []}
            />
          </Panel>
        )}
        <Panel title={t('alarms.title')}>
          <AssetAlarms asset={asset} />
        </Panel>
        <Panel title={t('work.title')}>
          <AssetMaintenance asset={asset.id} />
        </Panel>
        <Panel title={t('model.title')}>
          <ModelCard asset={asset} />
        </Panel>
        <LifePanel asset={asset} />
        <Panel title={t('targets.title')}>
          <Targets targets={asset.targets} />
        </Panel>
      </Stack>
    </div>
  )
}
