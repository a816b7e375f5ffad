/** Closes a case: cause, action, usefulness, and why it is closed when the recovery was not verified. */
import { Group, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import type { CaseDetail, CloseRequest } from '../../../protocol/api.ts'
import { closeCase } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { ActButton } from '../parts/act-button.tsx'
import { Form } from '../parts/form.tsx'
import { Panel } from '../parts/panel.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { type Failure, FailureFields, failureOf } from './failure-fields.tsx'
import { useUsefulness } from './usefulness.ts'

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
  const { timeZone } = usePlace(detail.site)
  const [form, setForm] = useState<CloseRequest>({ cause: '', action: '', usefulness: 'useful' })
  const [failure, setFailure] = useState<Failure>({ mode: '', part: '', at: '' })
  const change = useChange((body: CloseRequest) => closeCase(detail.id, body))
  const unverified = detail.verifiedAt === null
  const failed = form.usefulness === 'useful'
  const onSubmit = () => {
    const { unverifiedReason, ...rest } = form
    change.mutate({
      ...rest,
      ...(unverified && { unverifiedReason }),
      ...(failed && failureOf(failure, timeZone)),
    })
  }
  const field = (name: 'cause' | 'action' | 'unverifiedReason') => ({
    maxLength: 2000,
    value: form[name] ?? '',
    onChange: (next: string) => setForm({ ...form, [name]: next }),
  })
  return (
    <Form change={change} submit={t('close.submit')} onSubmit={onSubmit}>
      <WordsField label={t('close.cause')} {...field('cause')} />
      <WordsField label={t('close.action')} {...field('action')} />
      <NativeSelect
        label={t('case.usefulness')}
        data={choices.options}
        value={form.usefulness}
        onChange={({ currentTarget: { value } }) =>
          setForm({ ...form, usefulness: choices.parse(value) })
        }
      />
      {failed && <FailureFields asset={detail.asset} failure={failure} onChange={setFailure} />}
      {unverified && (
        <WordsField
          label={t('close.unverified')}
          description={t('close.unverified-help')}
          {...field('unverifiedReason')}
        />
      )}
    </Form>
  )
}
