/** A factor on the trained threshold: fewer or more alarms, with a reason, and reversible. */
import { NumberInput } from '@mantine/core'
import { useState } from 'react'
import type { ModelVersionView } from '../../../protocol/api-models.ts'
import { setThreshold } from '../api/model-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { FormDialog } from '../parts/form.tsx'
import { WordsField } from '../parts/words-field.tsx'

interface ThresholdFormProps {
  model: ModelVersionView
  /** A proposal to begin with. */
  proposal?: { factor: number; why: string }
}

export function ThresholdForm({ model, proposal }: ThresholdFormProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [factor, setFactor] = useState(proposal?.factor ?? 1)
  const [reason, setReason] = useState(proposal?.why ?? '')
  const change = useChange(() => setThreshold(model.id, { factor, reason }))
  const noneKey = model.kind === 'failures' ? 'failures.no-threshold' : 'threshold.none'
  const none = model.threshold === null ? t(noneKey) : null
  return (
    <FormDialog
      title={proposal ? t('board.propose', { factor: proposal.factor }) : t('threshold.title')}
      about={t('model.name-version', { name: model.name, version: model.version })}
      submit={t('threshold.submit')}
      why={none ?? whyNot('model.stage')}
      change={change}
      onSubmit={(done) => change.mutate(undefined, done)}
    >
      <NumberInput
        label={t('threshold.factor')}
        description={t('threshold.help')}
        min={0.2}
        max={5}
        step={0.05}
        decimalScale={3}
        required
        value={factor}
        onChange={(value) => setFactor(Number(value))}
      />
      <WordsField
        label={t('reason')}
        description={t('stage.reason-help')}
        value={reason}
        onChange={setReason}
      />
    </FormDialog>
  )
}
