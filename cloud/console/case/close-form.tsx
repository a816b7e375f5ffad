/** Closes a case: cause, action, usefulness, and why it is closed when the recovery was not verified. */
import { Group, NativeSelect, Stack, Text, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { CaseDetail, CloseRequest } from '../../../protocol/api.ts'
import { actionsIn, caseTransitions } from '../../../protocol/states.ts'
import { closeCase } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { Panel } from '../parts/panel.tsx'
import { useUsefulness } from './usefulness.ts'

const textLimits = { required: true, minLength: 3, maxLength: 2000, autosize: true, minRows: 2 }

export function CloseForm({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const choices = useUsefulness()
  const [form, setForm] = useState<CloseRequest>({ cause: '', action: '', usefulness: 'useful' })
  const change = useChange((body: CloseRequest) => closeCase(detail.id, body))
  const unverified = detail.verifiedAt === null
  const legal = actionsIn(caseTransitions, detail.state).includes('close')
  const notNow = legal ? null : t('case.close-not-now')
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    const { unverifiedReason, ...rest } = form
    change.mutate(unverified ? { ...rest, unverifiedReason } : rest)
  }
  return (
    <Panel title={t('close.title')}>
      <Stack gap="xs" component="form" onSubmit={onSubmit}>
        <Textarea
          label={t('close.cause')}
          {...textLimits}
          value={form.cause}
          onChange={({ currentTarget: { value } }) => setForm({ ...form, cause: value })}
        />
        <Textarea
          label={t('close.action')}
          {...textLimits}
          value={form.action}
          onChange={({ currentTarget: { value } }) => setForm({ ...form, action: value })}
        />
        <NativeSelect
          label={t('case.usefulness')}
          data={choices.options}
          value={form.usefulness}
          onChange={({ currentTarget: { value } }) =>
            setForm({ ...form, usefulness: choices.parse(value) })
          }
        />
        {unverified && (
          <Textarea
            label={t('close.unverified')}
            description={t('close.unverified-help')}
            {...textLimits}
            value={form.unverifiedReason ?? ''}
            onChange={({ currentTarget: { value } }) =>
              setForm({ ...form, unverifiedReason: value })
            }
          />
        )}
        {notNow && (
          <Text size="sm" c="dimmed">
            {notNow}
          </Text>
        )}
        {change.error && <Problem error={change.error} />}
        <Group>
          <ActButton type="submit" why={notNow ?? whyNot('case.close')} loading={change.isPending}>
            {t('close.submit')}
          </ActButton>
        </Group>
      </Stack>
    </Panel>
  )
}
