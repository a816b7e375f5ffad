/** Takes an alarm out of sight for some minutes, with a reason that stays on record, and brings it back. */
import { NumberInput } from '@mantine/core'
import { useState } from 'react'
import type { AlarmView } from '../../../protocol/api.ts'
import { shelveAlarm, unshelveAlarm } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { FormDialog } from '../parts/form.tsx'
import { WordsField } from '../parts/words-field.tsx'

export function ShelveForm({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [minutes, setMinutes] = useState(30)
  const [reason, setReason] = useState('')
  const shelve = useChange(() => shelveAlarm(alarm.id, { minutes, reason }))
  const over = alarm.state === 'normal' ? t('alarm.is-over') : null
  return (
    <FormDialog
      title={t('alarm.shelve')}
      submit={t('alarm.shelve-submit')}
      why={over ?? whyNot('alarm.shelve')}
      change={shelve}
      onSubmit={(done) => shelve.mutate(undefined, done)}
    >
      <NumberInput
        label={t('alarm.shelve-minutes')}
        min={1}
        max={1440}
        clampBehavior="strict"
        allowDecimal={false}
        required
        value={minutes}
        onChange={(value) => setMinutes(Number(value))}
      />
      <WordsField label={t('reason')} minLength={1} value={reason} onChange={setReason} />
    </FormDialog>
  )
}

/** For an alarm that is shelved. */
export function UnshelveButton({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const unshelve = useChange(() => unshelveAlarm(alarm.id))
  return (
    <>
      <ActButton
        variant="default"
        why={whyNot('alarm.shelve')}
        loading={unshelve.isPending}
        onClick={() => unshelve.mutate(undefined)}
      >
        {t('alarm.unshelve')}
      </ActButton>
      {unshelve.error && <Problem error={unshelve.error} />}
    </>
  )
}
