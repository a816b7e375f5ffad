/** The operating modes that a version knows, with how much data each had; and those it stays silent in. */
import type { ModelModes } from '../../../protocol/api-models.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'

export function ModeList({ modes: { known, tooFew } }: { modes: ModelModes }) {
  const { t, language } = useWords()
  const number = (value: number) => formatNumber(value, language)
  return (
    <ul className="lines">
      {known.map(({ value: mode, rows, threshold }) => (
        <li key={mode}>
          {t('mode.rows', { mode, rows: number(rows), threshold: number(threshold) })}
        </li>
      ))}
      {tooFew.map(({ value: mode, rows }) => (
        <li key={mode}>{t('mode.too-few', { mode, rows: number(rows) })}</li>
      ))}
    </ul>
  )
}
