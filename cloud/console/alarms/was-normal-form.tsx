/** Says that what an alarm took for abnormal was normal: the stretch is learned by the next version of the model. */
import { Text } from '@mantine/core'
import { useState } from 'react'
import type { AlarmView } from '../../../protocol/api.ts'
import { sayWasNormal } from '../api/model-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { FormDialog } from '../parts/form.tsx'
import { Go } from '../parts/go.tsx'
import { WordsField } from '../parts/words-field.tsx'

export function WasNormalForm({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [note, setNote] = useState('')
  const change = useChange(() => sayWasNormal(alarm.id, { note }))
  return (
    <>
      <FormDialog
        title={t('normal.button')}
        submit={t('normal.submit')}
        why={whyNot('model.train')}
        change={change}
        onSubmit={(done) => change.mutate(undefined, done)}
      >
        <Text size="sm">{t('normal.text')}</Text>
        <WordsField label={t('normal.note')} value={note} onChange={setNote} />
      </FormDialog>
      {change.isSuccess && (
        <Text size="sm" role="status">
          <Go to={`/assets/${encodeURIComponent(alarm.asset)}/models`}>{t('normal.told')}</Go>
        </Text>
      )}
    </>
  )
}
