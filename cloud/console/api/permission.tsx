/** Who is logged in, and why an action is not offered to them. */
import { createContext, type ReactNode, useContext } from 'react'
import type { Action, Me } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'

const MeContext = createContext<Me | null>(null)

export function MeProvider({ me, children }: { me: Me; children: ReactNode }) {
  return <MeContext value={me}>{children}</MeContext>
}

/** The logged-in person; only used below MeProvider. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (!me) throw new Error('useMe outside of MeProvider')
  return me
}

/** Null when the person may do it, else the sentence that says why not. */
export function useWhyNot(): (action: Action) => string | null {
  const me = useMe()
  const { t } = useWords()
  return (action) =>
    me.allowed.includes(action)
      ? null
      : t('denied.role', { role: t(`role.${me.role}`), action: t(`action.${action}`) })
}
