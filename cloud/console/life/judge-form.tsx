/** How the part was that was taken out last: forecasts learn from parts that failed. */
import { Text } from '@mantine/core'
import { useState } from 'react'
import { judgePart } from '../api/model-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Choice } from '../parts/choice.tsx'
import { FormDialog } from '../parts/form.tsx'

export function JudgeForm({ asset, part }: { asset: string; part: string }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [verdict, setVerdict] = useState<'failed' | 'fit'>('fit')
  const change = useChange(() => judgePart(asset, { part, failed: verdict === 'failed' }))
  return (
    <FormDialog
      title={t('life.judge')}
      about={part}
      submit={t('life.judge-submit')}
      why={whyNot('case.work')}
      change={change}
      onSubmit={(done) => change.mutate(undefined, done)}
    >
      <Text size="sm">{t('life.judge-text')}</Text>
      <Choice
        label={t('life.judge-question')}
        options={[
          { value: 'fit', label: t('life.judge-fit') },
          { value: 'failed', label: t('life.judge-failed') },
        ]}
        value={verdict}
        onChange={setVerdict}
      />
    </FormDialog>
  )
}
