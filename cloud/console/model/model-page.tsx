/** One version of a model: its facts, its back-test with the alarms it would have raised, and its card. */
import { Stack, Text } from '@mantine/core'
import type { ModelDetail } from '../../../protocol/api-models.ts'
import { useModel } from '../api/model-queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ModelFacts } from '../models/model-facts.tsx'
import { StageMark } from '../models/model-marks.tsx'
import { StageButtons } from '../models/stage-buttons.tsx'
import { aboutKey } from '../models/stage-moves.ts'
import { ThresholdForm } from '../models/threshold-form.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { BackTestView } from './back-test-view.tsx'
import { MarkdownText } from './markdown-text.tsx'

export function ModelPage({ id }: { id: string }) {
  const { t } = useWords()
  const found = useModel(id)
  return (
    <Answer query={found}>
      {(model) => (
        <Page
          title={t('model.name-version', { name: model.name, version: model.version })}
          side={<StageMark stage={model.stage} />}
        >
          <Text size="sm">
            <Go to={`/assets/${encodeURIComponent(model.asset)}/models`}>{t('models.link')}</Go>
            {' · '}
            {t(aboutKey(model))}
          </Text>
          <ModelBody model={model} />
        </Page>
      )}
    </Answer>
  )
}

function ModelBody({ model }: { model: ModelDetail }) {
  const { t } = useWords()
  const { backTest, asset, site } = model
  return (
    <div className="columns">
      <Stack gap="sm" className="wide-column">
        {model.kind !== 'life' && model.kind !== 'failures' && (
          <Panel title={t('backtest.title')}>
            {backTest ? (
              <BackTestView backTest={backTest} asset={asset} site={site} />
            ) : (
              <Nothing>{t('model.no-backtest')}</Nothing>
            )}
          </Panel>
        )}
        <Panel title={t('model.card')}>
          <MarkdownText text={model.card} />
        </Panel>
      </Stack>
      <Stack gap="sm" className="side-column">
        <Panel title={t('model.version')}>
          <Stack gap="xs">
            <ModelFacts model={model} whole />
            <div className="marks">
              <StageButtons model={model} />
              {model.stage !== 'retired' && <ThresholdForm model={model} />}
            </div>
          </Stack>
        </Panel>
      </Stack>
    </div>
  )
}
