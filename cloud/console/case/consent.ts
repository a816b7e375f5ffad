/** Who must agree at the site before a target opens, in words. */
import { consentModes } from '../../../protocol/model.ts'
import { useWords } from '../i18n/language.tsx'

/** An unknown mode is shown as the site wrote it. */
export function useConsent(): (mode: string) => string {
  const { t } = useWords()
  return (mode) => {
    const known = consentModes.find((each) => each === mode)
    return known ? t(`consent.${known}`) : mode
  }
}
