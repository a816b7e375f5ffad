/** When a new version is trained without anybody asking: on a schedule, or because of drift. */
import { NumberInput, Switch, Text } from '@mantine/core'
import { useState } from 'react'
import type { RetrainingRequest } from '../../../protocol/api-models.ts'
import { setRetraining } from '../api/model-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Form } from '../parts/form.tsx'

/** Proposed when somebody turns the schedule on. */
const usualDays = 30

interface RetrainingFormProps {
  asset: string
  now: RetrainingRequest
}

export function RetrainingForm({ asset, now }: RetrainingFormProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [wish, setWish] = useState(now)
  const change = useChange(() => setRetraining(asset, wish))
  const { everyDays, onDrift } = wish
  return (
    <Form
      change={change}
      submit={t('retraining.submit')}
      why={whyNot('model.train')}
      onSubmit={() => change.mutate(undefined)}
    >
      <Text size="sm">{t('retraining.text')}</Text>
      <Switch
        label={t('retraining.schedule')}
        checked={everyDays !== null}
        onChange={({ currentTarget: { checked } }) =>
          setWish({ onDrift, everyDays: checked ? usualDays : null })
        }
      />
      {everyDays !== null && (
        <NumberInput
          label={t('retraining.days')}
          min={1}
          max={365}
          allowDecimal={false}
          required
          value={everyDays}
          onChange={(value) => setWish({ onDrift, everyDays: Number(value) })}
        />
      )}
      <Switch
        label={t('retraining.drift')}
        checked={onDrift}
        onChange={({ currentTarget: { checked } }) => setWish({ everyDays, onDrift: checked })}
      />
      {change.isSuccess && (
        <Text size="sm" role="status">
          {t('retraining.saved')}
        </Text>
      )}
    </Form>
  )
}
