/** How long parts of an asset will last: a range of dates, or why there is none, and the work order that is due. */
import { Stack, Text } from '@mantine/core'
import type { AssetDetail } from '../../../protocol/api.ts'
import type { LifeView } from '../../../protocol/api-models.ts'
import { useLife } from '../api/model-queries.ts'
import { OpenCaseForm } from '../asset/open-case-form.tsx'
import { formatInstant, formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { useSayText } from '../i18n/speech.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Mark } from '../parts/mark.tsx'
import { useNow } from '../parts/now.ts'
import { Panel } from '../parts/panel.tsx'
import { JudgeForm } from './judge-form.tsx'

type Item = LifeView['items'][number]

export function LifePanel({ asset }: { asset: AssetDetail }) {
  const { t } = useWords()
  const life = useLife(asset.id)
  return (
    <Panel title={t('life.title')}>
      <Answer query={life}>
        {({ items }) => (
          <Stack gap="sm">
            {items.length === 0 && <Nothing>{t('life.none')}</Nothing>}
            {items.map((item) => (
              <LifeItem key={`${item.source} ${item.what}`} item={item} asset={asset} />
            ))}
          </Stack>
        )}
      </Answer>
    </Panel>
  )
}

/** "Ends between 2 Dec and 14 Dec, probably 7 Dec". */
function useRange(item: Item, site: string): string {
  const { t } = useWords()
  const place = usePlace(site)
  const day = (at: number) => formatInstant(at, 'date', place)
  if (!item.end) return t('life.no-number')
  const { early, expected, late } = item.end
  const range = { early: day(early), expected: day(expected), late: late === null ? '' : day(late) }
  return t(late === null ? 'life.range-open' : 'life.range', range)
}

function LifeItem({ item, asset }: { item: Item; asset: AssetDetail }) {
  const { t, language } = useWords()
  const sayText = useSayText(asset.site)
  const range = useRange(item, asset.site)
  return (
    <div className="life">
      <span className="marks">
        <Text component="span" size="sm" fw={600}>
          {item.what}
        </Text>
        <Text component="span" size="xs" c="dimmed">
          {t(`life.source.${item.source}`)}
        </Text>
      </span>
      <Text size="sm">{range}</Text>
      {item.end && <RangeBar {...item.end} />}
      {item.health !== null && (
        <>
          <Text size="sm" className="number">
            {t('life.health', { percent: formatShare(item.health, language) })}
          </Text>
          <span className="wear-bar" aria-hidden="true">
            <span style={{ width: `${100 * Math.min(1, Math.max(0, item.health))}%` }} />
          </span>
        </>
      )}
      <Text size="xs" c="dimmed">
        {sayText(item.text)}
      </Text>
      {item.source === 'wear' && (
        <div>
          <JudgeForm asset={asset.id} part={item.what} />
        </div>
      )}
      {item.orderBy !== null && <Order at={item.orderBy} item={item} asset={asset} />}
    </div>
  )
}

/** From now to the late end: the likely stretch, with a stroke at the expected day. */
function RangeBar({ early, expected, late }: NonNullable<Item['end']>) {
  const now = useNow()
  const end = late ?? expected + (expected - early)
  const share = (at: number) => `${Math.min(100, Math.max(0, (100 * (at - now)) / (end - now)))}%`
  if (end <= now) return null
  return (
    <span className="life-bar" aria-hidden="true">
      <span className="life-likely" style={{ left: share(early) }} />
      <span className="life-expected" style={{ left: share(expected) }} />
    </span>
  )
}

function Order({ at, item, asset }: { at: number; item: Item; asset: AssetDetail }) {
  const { t } = useWords()
  const place = usePlace(asset.site)
  const now = useNow()
  const due = at <= now
  return (
    <span className="marks">
      <Mark tone={due ? 'warn' : 'info'}>
        {due ? t('life.order-now') : t('life.order', { date: formatInstant(at, 'date', place) })}
      </Mark>
      <OpenCaseForm
        asset={asset.id}
        button={t('life.order-button')}
        proposed={t('life.order-title', { what: item.what, asset: asset.name })}
      />
    </span>
  )
}
