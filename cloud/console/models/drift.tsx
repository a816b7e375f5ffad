/** Whether the machine works where its model learned; drift is said in words, and that it is no fault. */
import { Text } from '@mantine/core'
import type { DriftView } from '../../../protocol/api-models.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { TagName } from '../parts/tag-name.tsx'
import { Since } from '../parts/when.tsx'
import { DriftMark } from './model-marks.tsx'

interface DriftProps {
  drift: DriftView
  asset: { id: string; site: string }
}

export function Drift({ drift, asset }: DriftProps) {
  const { t, language } = useWords()
  const sayText = useSayText(asset.site)
  return (
    <div>
      <span className="marks">
        <DriftMark state={drift.state} />
        {drift.since !== null && (
          <Text component="span" size="xs" c="dimmed">
            <Since at={drift.since} site={asset.site} />
          </Text>
        )}
      </span>
      <Text size="sm">
        {drift.mode !== null && t('said.mode', { mode: drift.mode }) + t('said.colon')}
        {drift.state === 'drift' ? t('drift.drift') : sayText(drift.text)}
      </Text>
      {drift.state === 'drift' && drift.tags.length > 0 && (
        <>
          <Text size="xs" c="dimmed">
            {t('drift.tags')}
          </Text>
          <ul className="lines">
            {drift.tags.map(({ name, shift }) => (
              <li key={name}>
                <TagName asset={asset.id} tag={name} />{' '}
                <span className="number">
                  {shift > 0 ? '+' : '−'}
                  {formatNumber(Math.abs(shift), language)}σ
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {drift.coarser.length > 0 && <Coarser drift={drift} asset={asset} />}
    </div>
  )
}

function Coarser({ drift, asset }: DriftProps) {
  const { t, language } = useWords()
  return (
    <>
      <Text size="sm">{t('drift.coarser')}</Text>
      <ul className="lines">
        {drift.coarser.map(({ name, step }) => (
          <li key={name}>
            <TagName asset={asset.id} tag={name} />{' '}
            <span className="number">{formatNumber(step, language)}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
