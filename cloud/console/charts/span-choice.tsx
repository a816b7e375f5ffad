/** The time ranges of a live trend. */
import { SegmentedControl } from '@mantine/core'
import { useWords } from '../i18n/language.tsx'

export const spans = {
  '5m': 300_000,
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
} as const
export type SpanName = keyof typeof spans

export function SpanChoice({
  value,
  onChange,
}: {
  value: SpanName
  onChange(next: SpanName): void
}) {
  const { t } = useWords()
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('span.label')}
      value={value}
      onChange={onChange}
      data={[
        { value: '5m', label: t('span.5m') },
        { value: '1h', label: t('span.1h') },
        { value: '24h', label: t('span.24h') },
        { value: '7d', label: t('span.7d') },
      ]}
    />
  )
}
