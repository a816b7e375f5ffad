/** Why a session ended, in words. */
import { sessionEndReasons } from '../../../protocol/states.ts'
import { useWords } from '../i18n/language.tsx'

/** A reason outside the closed list is shown as it was written. */
export function useEndReason(): (reason: string) => string {
  const { t } = useWords()
  return (reason) => {
    const known = sessionEndReasons.find((each) => each === reason)
    return known ? t(`end.${known}`) : reason
  }
}
