/** Open, pause, resume, end: each only where the session's state and the person allow, else greyed with the reason. */

import { useLocation } from 'wouter'
import type { SessionView } from '../../../protocol/api.ts'
import { nextState, type SessionAction, sessionTransitions } from '../../../protocol/states.ts'
import { endSession, holdSession } from '../api/client.ts'
import { useMe, useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { useOpenSession } from './opened-url.ts'

function useWhyNotNow(session: SessionView): (action: SessionAction) => string | null {
  const { t } = useWords()
  return (action) =>
    nextState(sessionTransitions, session.state, action)
      ? null
      : t('session.not-now', { state: t(`session.state.${session.state}`) })
}

/** Opens an approved session; in a running one it asks for a fresh ticket (after a reload of the page). */
export function OpenButton({ session }: { session: SessionView }) {
  const { t } = useWords()
  const me = useMe()
  const whyNot = useWhyNot()
  const notNow = useWhyNotNow(session)
  const [path, go] = useLocation()
  const open = useOpenSession(session.id)
  const running = session.state === 'active'
  const foreign =
    me.id === session.person.id ? null : t('session.not-yours', { person: session.person.name })
  const why = (running ? null : notNow('open')) ?? whyNot('session.open') ?? foreign
  const page = `/sessions/${session.id}`
  const onOpen = () => open.mutate(undefined, { onSuccess: () => path !== page && go(page) })
  return (
    <>
      <ActButton why={why} loading={open.isPending} onClick={onOpen}>
        {t(running ? 'session.show' : 'session.open')}
      </ActButton>
      {open.error && <Problem error={open.error} />}
    </>
  )
}

export function HoldButton({ session }: { session: SessionView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const action = session.state === 'paused' ? 'resume' : 'pause'
  const hold = useChange(() => holdSession(session.id, action))
  return (
    <>
      <ActButton
        variant="default"
        why={whyNot('session.end')}
        loading={hold.isPending}
        onClick={() => hold.mutate(undefined)}
      >
        {t(action === 'pause' ? 'session.pause' : 'session.resume')}
      </ActButton>
      {hold.error && <Problem error={hold.error} />}
    </>
  )
}

export function EndButton({ session }: { session: SessionView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const notNow = useWhyNotNow(session)
  const end = useChange(() => endSession(session.id, {}))
  return (
    <>
      <ActButton
        variant="default"
        className="end"
        why={notNow('end') ?? whyNot('session.end')}
        loading={end.isPending}
        onClick={() => end.mutate(undefined)}
      >
        {t(session.state === 'requested' ? 'session.withdraw' : 'session.end')}
      </ActButton>
      {end.error && <Problem error={end.error} />}
    </>
  )
}
