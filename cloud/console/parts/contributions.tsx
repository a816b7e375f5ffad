/** The tags that contributed most to an abnormal score, with direction and weight. */
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import type { ContributionView } from '../../../protocol/api.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from './answer.tsx'
import { useTags } from './tag-name.tsx'

interface ContributionsProps {
  asset: string
  list: readonly ContributionView[]
}

export function Contributions({ asset, list }: ContributionsProps) {
  const { t, language } = useWords()
  const find = useTags(asset)
  if (list.length === 0) return <Nothing>{t('contributions.none')}</Nothing>
  const largest = Math.max(...list.map(({ z }) => Math.abs(z)), 1)
  return (
    <ul className="contributions">
      {list.map(({ tag, name, z, direction }) => {
        const unit = find(tag)?.unit
        const Arrow = direction === 'high' ? IconArrowUp : IconArrowDown
        return (
          <li key={tag} title={tag}>
            <span>
              <span className="contribution-name">{name}</span>
              {unit && <span className="unit"> [{unit}]</span>}
            </span>
            <span className="contribution-bar" aria-hidden="true">
              <span style={{ width: `${(100 * Math.abs(z)) / largest}%` }} />
            </span>
            <span className="contribution-way">
              <Arrow size={14} aria-hidden="true" />
              {t(`direction.${direction}`)}
              <span className="number"> {formatNumber(Math.abs(z), language)}σ</span>
            </span>
          </li>
        )
      })}
    </ul>
  )
}
