/** How much of the last hour could not be judged, which tag is to blame, and what can be done about it. */
import { Text } from '@mantine/core'
import type { UnjudgedView } from '../../../protocol/api-models.ts'
import { formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Go } from '../parts/go.tsx'
import { Mark } from '../parts/mark.tsx'
import { TagName } from '../parts/tag-name.tsx'
import { Since } from '../parts/when.tsx'

/** Less is everyday life: a window fills after every gap. */
const LEAST_SHARE = 0.05
/** The limit of the alarm (cloud/scoring/unjudged-watch.ts). */
const MUCH = 0.5

/** Whether there is something to tell. */
export const isTold = (unjudged: UnjudgedView | null): unjudged is UnjudgedView =>
  unjudged !== null && unjudged.share >= LEAST_SHARE

interface UnjudgedProps {
  unjudged: UnjudgedView | null
  asset: { id: string; site: string }
}

export function Unjudged({ unjudged, asset }: UnjudgedProps) {
  const { t, language } = useWords()
  const sayText = useSayText(asset.site)
  if (!isTold(unjudged)) return null
  const { share, from, tags, reason } = unjudged
  const without = tags.map(({ name }) => `without=${encodeURIComponent(name)}`).join('&')
  return (
    <div>
      <span className="marks">
        <Mark tone={share >= MUCH ? 'warn' : 'idle'}>
          {t('unjudged.share', { percent: formatShare(share, language) })}
        </Mark>
        <Text component="span" size="xs" c="dimmed">
          <Since at={from} site={asset.site} />
        </Text>
      </span>
      <ul className="lines">
        {tags.map(({ name, share: part, problem }) => (
          <li key={name}>
            <TagName asset={asset.id} tag={name} />{' '}
            <span>{t(`unjudged.${problem}`, { percent: formatShare(part, language) })}</span>
          </li>
        ))}
      </ul>
      {reason !== null && <Text size="sm">{sayText(reason)}</Text>}
      {tags.length > 0 && share >= MUCH && (
        <Text size="sm">
          {t('unjudged.what-to-do')}{' '}
          <Go to={`/assets/${encodeURIComponent(asset.id)}/train?${without}`}>
            {t('unjudged.train')}
          </Go>
        </Text>
      )}
    </div>
  )
}
