/** Marks over a chart where a tag's mean moved: a line that says, pointed at or focused, when and from what to what. */
import { Tooltip } from '@mantine/core'
import type { LevelChange } from '../../../protocol/api-explanation.ts'
import { formatInstant, formatNumber, type Place } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import type { Window } from './use-trend.ts'

interface LevelMarksProps {
  list: readonly LevelChange[]
  window: Window
  place: Place
}

/** Stands in the chart's own plot area: a share of its width is a share of the window. */
export function LevelMarks({ list, window, place }: LevelMarksProps) {
  const { t } = useWords()
  const span = Math.max(1, window.to - window.from)
  const shown = list.filter(({ at }) => at >= window.from && at <= window.to)
  const show = (value: number, unit: string | null) =>
    `${formatNumber(value, place.language)}${unit ? ` ${unit}` : ''}`
  return shown.map(({ tag, name, unit, at, before, after }) => {
    const values = { before: show(before, unit), after: show(after, unit) }
    const time = formatInstant(at, 'moment', place)
    const words = t('level.change', { tag: name, time, ...values })
    return (
      <Tooltip
        key={`${tag} ${at}`}
        label={words}
        events={{ hover: true, focus: true, touch: true }}
      >
        <button
          type="button"
          className="level-mark"
          aria-label={words}
          style={{ left: `${(100 * (at - window.from)) / span}%` }}
        >
          {after > before ? '▲' : '▼'}
        </button>
      </Tooltip>
    )
  })
}
