/** Says that a machine or a site is in planned maintenance: as a mark, as a banner, and as the hours on a chart. */
import { Text } from '@mantine/core'
import { IconTool } from '@tabler/icons-react'
import type { MaintenanceMark, MaintenanceWindow } from '../../../protocol/api-maintenance.ts'
import { useMaintenance } from '../api/maintenance-client.ts'
import type { Shade } from '../charts/paint.ts'
import type { Window } from '../charts/use-trend.ts'
import { formatInstant } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Mark } from '../parts/mark.tsx'
import { useUntil } from '../parts/when.tsx'

interface WorkProps {
  work: MaintenanceMark
  site: string
}

export function WorkMark({ work, site }: WorkProps) {
  const { t } = useWords()
  const until = useUntil(site)
  return <Mark tone="info">{t('work.mark', { time: until(work.until) })}</Mark>
}

/** Above everything of the machine, so that nobody takes its silence for health. */
export function WorkBanner({ work, site, whole = false }: WorkProps & { whole?: boolean }) {
  const { t } = useWords()
  const until = useUntil(site)
  const values = { time: until(work.until), text: work.text }
  return (
    <div className="work-banner" role="status">
      <IconTool size={18} aria-hidden="true" />
      <div>
        <Text size="sm" fw={600}>
          {t(whole ? 'work.banner-site' : 'work.banner', values)}
        </Text>
        <Text size="sm">{t('work.banner-more', { person: work.by })}</Text>
      </div>
    </div>
  )
}

/** Of a window that covers a whole site. */
export function markOf({ id, text, to, enteredBy }: MaintenanceWindow): MaintenanceMark {
  return { id, text, until: to, by: enteredBy }
}

/** What was worked on in the hours that a chart shows, the oldest first. */
export function useWorkInView(asset: string, { from, to }: Window): MaintenanceWindow[] {
  const known = useMaintenance(asset).data
  if (!known) return []
  const done = [...known.running, ...known.past].filter(({ state }) => state !== 'cancelled')
  return done
    .filter((work) => work.from < to && (work.endedAt ?? work.to) > from)
    .sort((a, b) => a.from - b.from)
}

export const shadesOf = (works: readonly MaintenanceWindow[]): Shade[] =>
  works.map(({ from, to, endedAt, text }) => {
    return { from, to: endedAt ?? to, kind: 'work', label: text }
  })

/** The same in words, for those who do not see the picture. */
export function WorkList({ works, site }: { works: readonly MaintenanceWindow[]; site: string }) {
  const { t } = useWords()
  const place = usePlace(site)
  if (works.length === 0) return null
  return (
    <div>
      <Text size="xs" fw={600}>
        {t('work.in-view')}
      </Text>
      <ul className="lines">
        {works.map(({ id, from, to, endedAt, text, enteredBy }) => {
          const ends = [from, endedAt ?? to].map((at) => formatInstant(at, 'moment', place))
          return (
            <li key={id}>
              <Text size="xs">
                {t('work.in-chart', { span: ends.join(' – '), text, person: enteredBy })}
              </Text>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
