/** What models learn from a failure, all of it optional: how it failed, which part, and when it had failed. */
import { Autocomplete, TextInput } from '@mantine/core'
import type { CloseRequest } from '../../../protocol/api.ts'
import { useFailures } from '../api/model-queries.ts'
import { useWords } from '../i18n/language.tsx'
import { parseWall } from '../i18n/wall-clock.ts'

/** What the fields hold; `at` on the wall clock of the site. */
export interface Failure {
  mode: string
  part: string
  at: string
}

/** Only what was filled in. */
export function failureOf(
  { mode, part, at }: Failure,
  timeZone: string | undefined,
): Pick<CloseRequest, 'failureMode' | 'part' | 'failedAt'> {
  const failedAt = parseWall(at, timeZone)
  return {
    ...(mode.trim() !== '' && { failureMode: mode.trim() }),
    ...(part.trim() !== '' && { part: part.trim() }),
    ...(failedAt !== null && { failedAt }),
  }
}

interface FailureFieldsProps {
  asset: string
  failure: Failure
  onChange: (next: Failure) => void
}

export function FailureFields({ asset, failure, onChange }: FailureFieldsProps) {
  const { t } = useWords()
  const known = useFailures(asset).data?.modes.map(({ mode }) => mode) ?? []
  const field = (name: keyof Failure) => ({
    value: failure[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      onChange({ ...failure, [name]: event.currentTarget.value }),
  })
  return (
    <>
      {/* the same words for the same failure: only then is it learned from as one */}
      <Autocomplete
        label={t('close.failure-mode')}
        description={t('close.failure-mode-help')}
        maxLength={200}
        data={known}
        value={failure.mode}
        onChange={(mode) => onChange({ ...failure, mode })}
      />
      <TextInput label={t('close.part')} maxLength={200} {...field('part')} />
      <TextInput
        label={t('close.failed-at')}
        description={t('close.failed-at-help')}
        type="datetime-local"
        {...field('at')}
      />
    </>
  )
}
