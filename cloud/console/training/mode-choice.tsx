/** Chooses the tag that tells the operating mode of a machine: those that the system found, or none. */
import { NativeSelect } from '@mantine/core'
import type { TrainingProposal } from '../../../protocol/api-models.ts'
import { useWords } from '../i18n/language.tsx'

/** More values than these do not fit into a line. */
const SHOWN = 4

interface ModeChoiceProps {
  offered: NonNullable<TrainingProposal['modeTags']>
  /** '' for none. */
  value: string
  onChange: (next: string) => void
}

export function ModeChoice({ offered, value, onChange }: ModeChoiceProps) {
  const { t } = useWords()
  const options = offered.map(({ name, values }) => {
    const shown = values.slice(0, SHOWN).join(t('said.between'))
    const rest = values.length > SHOWN ? ' …' : ''
    return { value: name, label: t('mode.option', { name, values: `${shown}${rest}` }) }
  })
  // What the version in use goes by stays to be seen, also where the periods show one mode only.
  const isMissing = value !== '' && !offered.some(({ name }) => name === value)
  return (
    <NativeSelect
      label={t('mode.label')}
      description={t('mode.text')}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
      data={[
        { value: '', label: t('mode.none') },
        ...options,
        ...(isMissing ? [{ value, label: value }] : []),
      ]}
    />
  )
}
