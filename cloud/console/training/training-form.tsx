/** The first two steps of a training: the periods on the chart and in fields, then the start. */
import { Button, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import type { TrainingJobView, TrainingProposal } from '../../../protocol/api-models.ts'
import { isRunning } from '../api/model-queries.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Panel } from '../parts/panel.tsx'
import { ExcludedTable } from './excluded-table.tsx'
import { HistoryChart } from './history-chart.tsx'
import { PeriodFields } from './period-fields.tsx'
import { type PeriodRow, periodOf, periodsOf, rowsOf, spanOf } from './period-rows.ts'
import { StartForm } from './start-form.tsx'

interface TrainingFormProps {
  asset: AssetDetail
  proposal: TrainingProposal
  /** How far the system looks back: above the chart, because it changes the proposal. */
  choice: ReactNode
  job: TrainingJobView | null
}

export function TrainingForm({ asset, proposal, choice, job }: TrainingFormProps) {
  const { t } = useWords()
  const place = usePlace(asset.site)
  const { timeZone } = place
  /** Null: the proposal as it is. */
  const [edited, setEdited] = useState<PeriodRow[] | null>(null)
  const rows = edited ?? rowsOf(proposal.periods, timeZone)
  const drawn = rows.flatMap((row) => periodOf(row, timeZone) ?? [])
  const window = spanOf([...proposal.periods, ...proposal.excluded, ...drawn], Date.now())
  const periods = edited ? periodsOf(edited, timeZone) : proposal.periods
  return (
    <div className="columns">
      <Stack gap="sm" className="wide-column">
        <Panel title={t('training.periods')}>
          <Stack gap="xs">
            <Text size="sm">{t('training.periods-text')}</Text>
            {choice}
            <HistoryChart
              asset={asset}
              window={window}
              chosen={drawn}
              excluded={proposal.excluded}
            />
            <PeriodFields rows={rows} onChange={setEdited} place={place} fresh={window} />
            {edited && (
              <Group>
                <Button variant="default" onClick={() => setEdited(null)}>
                  {t('training.reset')}
                </Button>
              </Group>
            )}
          </Stack>
        </Panel>
      </Stack>
      <Stack gap="sm" className="side-column">
        <Panel title={t('training.excluded')}>
          <div className="tall">
            <ExcludedTable list={proposal.excluded} site={asset.site} />
          </div>
        </Panel>
        <Panel title={t('training.start')}>
          <StartForm
            asset={asset}
            proposal={proposal}
            periods={periods}
            edited={edited !== null}
            busy={isRunning(job)}
          />
        </Panel>
      </Stack>
    </div>
  )
}
