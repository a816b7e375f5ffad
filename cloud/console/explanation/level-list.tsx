/** Changes of level in words: when, which tag, from what to what. */
import type { LevelChange } from '../../../protocol/api-explanation.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { When } from '../parts/when.tsx'

interface LevelListProps {
  /** Of the instants: with the day where it may be another one. */
  style?: 'time' | 'moment'
  list: readonly LevelChange[]
  site: string
}

export function LevelList({ list, site, style = 'time' }: LevelListProps) {
  const { language } = useWords()
  const show = (value: number) => formatNumber(value, language)
  return (
    <ul className="lines">
      {list.map(({ tag, name, unit, at, before, after }) => (
        <li key={`${tag} ${at}`} title={tag}>
          <When at={at} site={site} style={style} /> {name}{' '}
          <span className="number">
            {after > before ? '▲' : '▼'} {show(before)} → {show(after)}
            {unit ? ` ${unit}` : ''}
          </span>
        </li>
      ))}
    </ul>
  )
}
