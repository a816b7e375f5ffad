/** The last two steps of a training: how it goes and what it would have alarmed, then putting it to use. */
import { Stack, Text } from '@mantine/core'
import type { ModelVersionView, TrainingJobView } from '../../../protocol/api-models.ts'
import { useWords } from '../i18n/language.tsx'
import { BackTestView } from '../model/back-test-view.tsx'
import { StageMark } from '../models/model-marks.tsx'
import { StageButtons } from '../models/stage-buttons.tsx'
import { Panel } from '../parts/panel.tsx'
import { JobPanel } from './job-panel.tsx'

interface TrainingResultProps {
  job: TrainingJobView
  /** The version that came out, when there is one. */
  model: ModelVersionView | undefined
  site: string
}

export function TrainingResult({ job, model, site }: TrainingResultProps) {
  const { t } = useWords()
  return (
    <>
      <JobPanel job={job} site={site} beside />
      {job.backTest && (
        <Panel title={t('backtest.title')}>
          <BackTestView backTest={job.backTest} asset={job.asset} site={site} />
        </Panel>
      )}
      {model && (
        <Panel title={t('training.deploy')} side={<StageMark stage={model.stage} />}>
          <Stack gap="xs">
            <Text size="sm">{t(`stage.about.${model.stage}`)}</Text>
            <div className="marks">
              <StageButtons model={model} only={['canary', 'active']} />
            </div>
          </Stack>
        </Panel>
      )}
    </>
  )
}
