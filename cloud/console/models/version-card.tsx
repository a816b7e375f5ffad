/** One version of an asset's models: its stage, where it comes from, and what may be done with it. */
import { Text } from '@mantine/core'
import type { ModelVersionView } from '../../../protocol/api-models.ts'
import { useWords } from '../i18n/language.tsx'
import { Go } from '../parts/go.tsx'
import { ModelFacts } from './model-facts.tsx'
import { StageMark } from './model-marks.tsx'
import { StageButtons } from './stage-buttons.tsx'
import { aboutKey } from './stage-moves.ts'
import { ThresholdForm } from './threshold-form.tsx'

export function VersionCard({ model }: { model: ModelVersionView }) {
  const { t } = useWords()
  const title = t('model.name-version', { name: model.name, version: model.version })
  return (
    <article className="card" data-stage={model.stage} aria-label={title}>
      <header>
        <span>{title}</span>
        <StageMark stage={model.stage} />
      </header>
      <Text size="sm">{t(aboutKey(model))}</Text>
      <ModelFacts model={model} />
      <div className="marks">
        <StageButtons model={model} />
        {model.stage !== 'retired' && <ThresholdForm model={model} />}
        <Go to={`/models/${encodeURIComponent(model.id)}`}>{t('model.open')}</Go>
      </div>
    </article>
  )
}
