/** Open ones or all of them: the same choice above every list. */
import { SegmentedControl } from '@mantine/core'
import type { Scope } from '../api/client.ts'
import { useWords } from '../i18n/language.tsx'

export function ScopeChoice({ value, onChange }: { value: Scope; onChange(next: Scope): void }) {
  const { t } = useWords()
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('scope.label')}
      value={value}
      onChange={onChange}
      data={[
        { value: 'open', label: t('scope.open') },
        { value: 'all', label: t('scope.all') },
      ]}
    />
  )
}
