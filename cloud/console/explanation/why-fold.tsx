/** The explanation of an alarm, folded in a list; it is asked for only when it is opened. */
import { useState } from 'react'
import { useWords } from '../i18n/language.tsx'
import { ExplanationView } from './explanation.tsx'

export function WhyFold({ alarm }: { alarm: { id: string; site: string } }) {
  const { t } = useWords()
  const [open, setOpen] = useState(false)
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="fold">{t('why.open')}</summary>
      {open && <ExplanationView alarm={alarm} />}
    </details>
  )
}
