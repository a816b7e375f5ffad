/** Promotes, retires or rolls back a version: what it means, a reason, and a confirmation. */
import { Text } from '@mantine/core'
import { useState } from 'react'
import type { ModelStage, ModelVersionView } from '../../../protocol/api-models.ts'
import { setStage } from '../api/model-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { FormDialog } from '../parts/form.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { effectKey, moveKey, movesOf } from './stage-moves.ts'

interface StageButtonsProps {
  model: ModelVersionView
  /** Only these moves; left out: all that are legal. */
  only?: readonly ModelStage[]
}

export function StageButtons({ model, only }: StageButtonsProps) {
  return movesOf(model)
    .filter((stage) => only?.includes(stage) ?? true)
    .map((stage) => <StageForm key={stage} model={model} stage={stage} />)
}

function StageForm({ model, stage }: { model: ModelVersionView; stage: ModelStage }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [reason, setReason] = useState('')
  const change = useChange(() => setStage(model.id, { stage, reason }))
  const unusable = model.intact || stage === 'retired' ? null : t('stage.tampered')
  return (
    <FormDialog
      title={t(moveKey(model.stage, stage))}
      about={t('model.name-version', { name: model.name, version: model.version })}
      submit={t('stage.confirm')}
      why={unusable ?? whyNot('model.stage')}
      change={change}
      onSubmit={(done) => change.mutate(undefined, done)}
    >
      <Text size="sm">{t(effectKey(model, stage))}</Text>
      <WordsField
        label={t('reason')}
        description={t('stage.reason-help')}
        value={reason}
        onChange={setReason}
      />
    </FormDialog>
  )
}
