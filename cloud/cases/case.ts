/** What a session's events mean for its case: which step is stamped, which transition follows. Pure. */
import type { RecordingView, SessionView } from '../../protocol/api.ts'
import type { CaseAction, CaseState, CaseStep, SessionState } from '../../protocol/states.ts'

/** What happened to a session of a case. */
export interface SessionEvent {
  kind: 'requested' | 'approved' | 'refused' | 'opened' | 'changed' | 'paused' | 'resumed' | 'ended'
  session: SessionView
  /** Unix ms. */
  at: number
  /** More to say, e.g. the note of a refusal or the changing request. */
  text?: string
}

/** Names what a transition of a session was; `previous` is undefined for a new one. */
export function sessionEventOf(
  { session, previous }: { session: SessionView; previous: SessionState | undefined },
  at: number,
): SessionEvent {
  const { state } = session
  if (state === 'requested') return { kind: 'requested', session, at }
  if (state === 'active') {
    return { kind: previous === 'paused' ? 'resumed' : 'opened', session, at }
  }
  const text = state === 'ended' ? undefined : (session.decisionNote ?? undefined)
  return { kind: state, session, at, text }
}

export interface StepStamp {
  step: CaseStep
  at: number
  /** Person id. */
  person: string | null
}

export interface CaseMove {
  steps: StepStamp[]
  action: CaseAction | undefined
  text: string
}

/** A case that is worked on or waits for it. */
export function isOpen(state: CaseState): boolean {
  return state !== 'closed' && state !== 'dismissed'
}

/** Everything but reading changes something. */
export function isChange({ method }: { method: string }): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
}

/** What a session's event does to its case; `recording` is asked for at the end only. */
export function moveOf(event: SessionEvent, recording?: RecordingView): CaseMove {
  const { session, at } = event
  const person = session.person.id
  const where = `${session.targetTitle} (${session.gateway}/${session.target})`
  const note = event.text ? `: ${event.text}` : ''
  switch (event.kind) {
    case 'requested':
      return move(
        [{ step: 'authenticated', at, person }],
        'diagnose',
        `asked for access to ${where}: ${session.reason}`,
      )
    case 'approved':
      return move(
        [{ step: 'consented', at, person: session.approver?.id ?? null }],
        undefined,
        `access to ${where} approved${note}`,
      )
    case 'refused':
      return move([], undefined, `access to ${where} refused${note}`)
    case 'opened':
      return move([{ step: 'connected', at, person }], 'fix', `connected to ${where}`)
    case 'changed':
      return move([{ step: 'diagnosed', at, person }], undefined, `changed ${where}${note}`)
    case 'ended':
      return endOf(event, recording)
    default:
      return move([], undefined, `session with ${where} ${event.kind}${note}`)
  }
}

/** A session that changed something has fixed, or tried to; one that only looked leads back to diagnosing. */
function endOf({ session, at }: SessionEvent, recording: RecordingView | undefined): CaseMove {
  const person = session.person.id
  const text = `session with ${session.targetTitle} ended (${session.endReason ?? 'no reason given'})`
  if (session.startedAt === null) return move([], undefined, text)
  const first = recording?.exchanges.find(isChange)
  // Only a web session's recording tells reading from changing; elsewhere the right to control must do.
  const isUnknown = session.kind !== 'web' || recording === undefined
  const mayHaveChanged = isUnknown && session.rights.includes('control')
  if (!first && !mayHaveChanged) return move([], 'diagnose', `${text}; nothing was changed`)
  const steps: StepStamp[] = [{ step: 'fixed', at, person }]
  if (first) steps.unshift({ step: 'diagnosed', at: first.at, person })
  return move(steps, 'verify', text)
}

function move(steps: StepStamp[], action: CaseAction | undefined, text: string): CaseMove {
  return { steps, action, text }
}
