/** Asks the site for access: to what, why, for how long, and whether to look or to act. */
import { Group, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import type { CaseDetail } from '../../../protocol/api.ts'
import { requestSession } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { Choice } from '../parts/choice.tsx'
import { Form } from '../parts/form.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { useConsent } from './consent.ts'

const minuteChoices = ['15', '30', '60'] as const
type Rights = 'view' | 'control'

export function RequestForm({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const consent = useConsent()
  const [chosen, setChosen] = useState(0)
  const [reason, setReason] = useState('')
  const [minutes, setMinutes] = useState<(typeof minuteChoices)[number]>('30')
  const [rights, setRights] = useState<Rights>('control')
  const change = useChange(requestSession)
  const target = detail.targets[chosen]
  if (!target) return <Nothing>{t('targets.none')}</Nothing>
  const onSubmit = () =>
    change.mutate({
      caseId: detail.id,
      gateway: target.gateway,
      target: target.id,
      reason,
      minutes: Number(minutes),
      rights: rights === 'control' ? ['view', 'control'] : ['view'],
    })
  return (
    <Form
      change={change}
      submit={t('access.request')}
      why={whyNot('session.request')}
      onSubmit={onSubmit}
    >
      <NativeSelect
        label={t('session.target')}
        description={consent(target.consent)}
        data={detail.targets.map(({ title, gateway }, index) => ({
          value: String(index),
          label: `${title} (${gateway})`,
        }))}
        value={String(chosen)}
        onChange={(event) => setChosen(Number(event.currentTarget.value))}
      />
      <WordsField
        label={t('reason')}
        description={t('access.reason-help')}
        value={reason}
        onChange={setReason}
      />
      <Group gap="md">
        <Choice
          label={t('session.minutes')}
          options={minuteChoices.map((value) => ({ value, label: value }))}
          value={minutes}
          onChange={setMinutes}
        />
        <Choice
          label={t('session.rights')}
          options={[
            { value: 'view', label: t('rights.view') },
            { value: 'control', label: t('rights.control') },
          ]}
          value={rights}
          onChange={setRights}
        />
      </Group>
    </Form>
  )
}
