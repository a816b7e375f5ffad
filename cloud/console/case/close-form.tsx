/** Closes a case: cause, action, usefulness, and why it is closed when the recovery was not verified. */
import { Group, NativeSelect, Stack, Textarea } from '@mantine/core'
import { type ChangeEvent, type FormEvent, useState } from 'react'
import type { CaseDetail, CloseRequest } from '../../../protocol/api.ts'
import { closeCase } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { Panel } from '../parts/panel.tsx'
import { useUsefulness } from './usefulness.ts'

const textLimits = { required: true, minLength: 3, maxLength: 2000, autosize: true, minRows: 2 }

/** Folded until the recovery is verified: closing earlier is possible, but it is not the usual way. */
export function CloseForm({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const why = useWhyNot()('case.close')
  const verified = detail.verifiedAt !== null
  return (
    <Panel title={t('close.title')}>
      {why === null ? (
        <details open={verified || undefined}>
          <summary className="fold">{t(verified ? 'close.now' : 'close.early')}</summary>
          <OpenForm detail={detail} />
        </details>
      ) : (
        <Group>
          <ActButton why={why}>{t('close.submit')}</ActButton>
        </Group>
      )}
    </Panel>
  )
}

function OpenForm({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const choices = useUsefulness()
  const [form, setForm] = useState<CloseRequest>({ cause: '', action: '', usefulness: 'useful' })
  const change = useChange((body: CloseRequest) => closeCase(detail.id, body))
  const unverified = detail.verifiedAt === null
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    const { unverifiedReason, ...rest } = form
    change.mutate(unverified ? { ...rest, unverifiedReason } : rest)
  }
  const field = (name: 'cause' | 'action' | 'unverifiedReason') => ({
    ...textLimits,
    value: form[name] ?? '',
    onChange: ({ currentTarget }: ChangeEvent<HTMLTextAreaElement>) =>
      setForm({ ...form, [name]: currentTarget.value }),
  })
  return (
    <Stack gap="xs" component="form" onSubmit={onSubmit}>
      <Textarea label={t('close.cause')} {...field('cause')} />
      <Textarea label={t('close.action')} {...field('action')} />
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
          {...field('unverifiedReason')}
        />
      )}
      {change.error && <Problem error={change.error} />}
      <Group>
        <ActButton type="submit" why={null} loading={change.isPending}>
          {t('close.submit')}
        </ActButton>
      </Group>
    </Stack>
  )
}
