/** Opens a case by hand, for trouble that no rule saw or for work that is due. */
import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { openCase } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { FormDialog } from '../parts/form.tsx'

interface OpenCaseFormProps {
  asset: string
  /** What is wrong, when it is known beforehand. */
  proposed?: string
  /** The words of the button. */
  button?: string
}

export function OpenCaseForm({ asset, proposed = '', button }: OpenCaseFormProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [title, setTitle] = useState(proposed)
  const change = useChange(openCase)
  return (
    <FormDialog
      title={button ?? t('case.open')}
      submit={t('case.open-submit')}
      why={whyNot('case.work')}
      change={change}
      onSubmit={(done) => change.mutate({ asset, title }, done)}
    >
      <TextInput
        label={t('case.title')}
        required
        minLength={3}
        maxLength={200}
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
      />
    </FormDialog>
  )
}
