/** Whether the asset has recovered: the condition in words and how long it has held. */
import { Progress, Text } from '@mantine/core'
import type { CaseDetail } from '../../../protocol/api.ts'
import { formatDuration } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Mark } from '../parts/mark.tsx'
import { Panel } from '../parts/panel.tsx'
import { When } from '../parts/when.tsx'

export function Recovery({ detail }: { detail: CaseDetail }) {
  const { t, language } = useWords()
  const sayText = useSayText(detail.site)
  const { condition, heldMs, holdMs } = detail.recovery
  const held = detail.verifiedAt === null ? Math.min(heldMs, holdMs) : holdMs
  const progress = t('recovery.progress', {
    held: formatDuration(held, language),
    hold: formatDuration(holdMs, language),
  })
  return (
    <Panel title={t('recovery.title')}>
      <Text size="sm">{sayText(condition)}</Text>
      <Progress.Root size="md" my={6}>
        <Progress.Section
          value={holdMs > 0 ? (100 * held) / holdMs : 0}
          aria-label={progress}
          color={detail.verifiedAt === null ? 'blue' : 'teal'}
        />
      </Progress.Root>
      {detail.verifiedAt === null ? (
        <Text size="sm" className="number">
          {progress}
        </Text>
      ) : (
        <Mark tone="good">
          {t('recovery.verified')} <When at={detail.verifiedAt} site={detail.site} style="time" />
        </Mark>
      )}
    </Panel>
  )
}
