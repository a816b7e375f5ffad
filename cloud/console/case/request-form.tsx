/** Asks the site for access: to what, why, for how long, and whether to look or to act. */
import { Group, NativeSelect, SegmentedControl, Stack, Text, Textarea } from '@mantine/core'
import { type FormEvent, useId, useState } from 'react'
import type { CaseDetail } from '../../../protocol/api.ts'
import { requestSession } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Nothing, Problem } from '../parts/answer.tsx'
import { useConsent } from './consent.ts'

const minuteChoices = ['15', '30', '60'] as const
type Rights = 'view' | 'control'

export function RequestForm({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const consent = useConsent()
  const ids = { minutes: useId(), rights: useId() }
  const [chosen, setChosen] = useState(0)
  const [reason, setReason] = useState('')
  const [minutes, setMinutes] = useState<string>('30')
  const [rights, setRights] = useState<Rights>('control')
  const change = useChange(requestSession)
  const target = detail.targets[chosen]
  if (!target) return <Nothing>{t('targets.none')}</Nothing>
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate({
      caseId: detail.id,
      gateway: target.gateway,
      target: target.id,
      reason,
      minutes: Number(minutes),
      rights: rights === 'control' ? ['view', 'control'] : ['view'],
    })
  }
  return (
    <Stack gap="xs" component="form" onSubmit={onSubmit}>
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
      <Textarea
        label={t('reason')}
        description={t('access.reason-help')}
        required
        minLength={3}
        maxLength={1000}
        autosize
        minRows={2}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Group gap="md">
        <div>
          <Text size="sm" fw={500} id={ids.minutes}>
            {t('session.minutes')}
          </Text>
          <SegmentedControl
            size="xs"
            aria-labelledby={ids.minutes}
            data={[...minuteChoices]}
            value={minutes}
            onChange={setMinutes}
          />
        </div>
        <div>
          <Text size="sm" fw={500} id={ids.rights}>
            {t('session.rights')}
          </Text>
          <SegmentedControl
            size="xs"
            aria-labelledby={ids.rights}
            data={[
              { value: 'view', label: t('rights.view') },
              { value: 'control', label: t('rights.control') },
            ]}
            value={rights}
            onChange={setRights}
          />
        </div>
      </Group>
      {change.error && <Problem error={change.error} />}
      <Group>
        <ActButton type="submit" why={whyNot('session.request')} loading={change.isPending}>
          {t('access.request')}
        </ActButton>
      </Group>
    </Stack>
  )
}
