/** What may happen to a session and when time ends it: pure rules, without clock or database. */
import { isFault } from '../../protocol/kit/fault.ts'
import type { ConsentMode } from '../../protocol/model.ts'
import type { SessionEndReason, SessionState } from '../../protocol/states.ts'
import type { RefusalCode } from '../../protocol/tunnel/refusal.ts'

/** A request that nobody decided on by then is over: its reason is yesterday's. */
const REQUEST_LIFE_MS = 24 * 3_600_000
/** No byte either way for so long: the technician has gone. */
export const IDLE_MS = 15 * 60_000
/** Sessions of one gateway that are not over yet. */
export const MAX_OPEN_PER_GATEWAY = 20

export const openStates = [
  'requested',
  'approved',
  'active',
  'paused',
] as const satisfies SessionState[]

/** Not over yet. */
export function isOpen(state: SessionState): boolean {
  return openStates.some((open) => open === state)
}

export interface Timed {
  state: SessionState
  requestedAt: number
  until: number | null
  /** Last byte either way; undefined while nothing is open. */
  activeAt?: number
}

/** Why time ends this session now; undefined: it may go on. */
export function timeUp(session: Timed, now: number): SessionEndReason | undefined {
  if (session.state === 'requested') {
    return now - session.requestedAt > REQUEST_LIFE_MS ? 'expired' : undefined
  }
  if (session.until !== null && session.until <= now) return 'expired'
  const isIdle = session.activeAt !== undefined && now - session.activeAt > IDLE_MS
  return session.state === 'active' && isIdle ? 'idle' : undefined
}

const MINUTE_MS = 60_000

/** The window of a session begins with the yes. */
export function windowFrom(at: number, { minutes }: { minutes: number }) {
  return { decided_at: at, until_at: at + minutes * MINUTE_MS }
}

/** Where the people at the site are asked, at their own gateway. */
export const siteDecides = 'local' satisfies ConsentMode

/** True where the site's own policy is the consent, so that no person need approve in the cloud. */
export function isStandingConsent(consent: string): boolean {
  return (['always', 'schedule', 'key-switch'] satisfies ConsentMode[] as string[]).includes(
    consent,
  )
}

const endings: Partial<Record<RefusalCode, SessionEndReason>> = {
  'consent-missing': 'revoked',
  'key-switch-off': 'interlock',
  'outside-schedule': 'interlock',
  killed: 'revoked',
  'session-ended': 'revoked',
  'rights-widened': 'target-refused',
  'target-forbidden': 'target-refused',
  'target-unknown': 'target-refused',
  'window-too-long': 'target-refused',
}

/** How a session ends that its site has ended for this reason. */
export function reasonOf(code: RefusalCode): SessionEndReason {
  return endings[code] ?? 'revoked'
}

/** How a running session ends when the gateway refuses it a stream; undefined: it may try again. */
export function endingOf(error: unknown): SessionEndReason | undefined {
  if (!isFault(error, 'tunnel.refused')) return undefined
  return endings[error.detail.refusal as RefusalCode]
}
