/** What every step of a session goes through: find it, move it along a legal transition, audit, tell the others. */
import type { Role, SessionView } from '../../protocol/api.ts'
import type { GrantClaims } from '../../protocol/grant.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { SessionAction, SessionState } from '../../protocol/states.ts'
import type { Audit, AuditAppend } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import type { TunnelHub } from './hub.ts'
import type { RecordingFile } from './recorder.ts'
import type { Running } from './running.ts'
import type { SessionRow, SessionRows } from './session-rows.ts'
import type { SiteQuestions } from './site-questions.ts'
import type { Viewers } from './viewers.ts'

/** Who asks; whether the role may do this at all was checked before. */
export interface Actor {
  id: string
  /** The audit log names people by it. */
  login: string
  name: string
  role: Role
  /** Site ids, or `*`. */
  sites: readonly string[]
}

/** A person, or the program itself. */
export type Doer = Actor | 'system'

export interface SessionsOptions {
  store: Store
  audit: Audit
  hub: Pick<TunnelHub, 'isUp' | 'openStream' | 'endSession' | 'askConsent'>
  /** Signs grants with the key that the gateways pinned. */
  signer: { sign(claims: GrantClaims): Promise<string> }
  recordingsDir: string
  now?: () => number
  /** After each transition; awaited, and a failure in it is logged only. */
  onChange(event: {
    session: SessionView
    previous: SessionState | undefined
  }): void | Promise<void>
  log: Log
  /** Opens a recording's file; for tests of full disks. */
  openFile?: (file: string) => Promise<RecordingFile>
}

export interface Broker extends SessionsOptions {
  rows: SessionRows
  viewers: Viewers
  running: Running
  questions: SiteQuestions
  now: () => number
}

export interface Step {
  actor: Doer
  row: SessionRow
  action: SessionAction
  values?: Partial<SessionRow>
  detail?: object
}

/** The session, if this person may know of it; else Fault 'object.missing', the same as for one that is not there. */
export async function findSession(broker: Broker, actor: Doer, id: string): Promise<SessionRow> {
  const row = await broker.rows.find(id)
  const isKnown = row && (actor === 'system' || maySee(actor, row.site))
  if (!isKnown) throw new Fault('object.missing')
  return row
}

export function maySee(actor: Actor, site: string): boolean {
  return actor.sites.includes(site) || actor.sites.includes('*')
}

export async function viewSession(broker: Broker, id: string): Promise<SessionView> {
  const view = await broker.rows.view(id)
  if (!view) throw new Fault('object.missing')
  return view
}

/** Passes a transition on; answers the session as it is now. */
export async function tellChange(
  broker: Broker,
  id: string,
  previous: SessionState | undefined,
): Promise<SessionView> {
  const session = await viewSession(broker, id)
  try {
    await broker.onChange({ session, previous })
  } catch (error) {
    broker.log.error({ error, session: id }, 'a session change was not passed on')
  }
  return session
}

/** One transition; one that is not legal now is denied and audited. */
export async function moveSession(broker: Broker, step: Step): Promise<SessionView> {
  const { row, action, values, detail } = step
  if (!(await broker.rows.move(row, action, values))) {
    const fault = new Fault('session.not-allowed', { action, state: row.state })
    return await denyStep(broker, step, fault)
  }
  await broker.audit.append({ ...auditOf(step), outcome: 'done', detail })
  return await tellChange(broker, row.id, row.state)
}

/** Audits the refusal and throws it. */
export async function denyStep(broker: Broker, step: Step, fault: Fault): Promise<never> {
  await broker.audit.append({
    ...auditOf(step),
    outcome: 'denied',
    detail: { code: fault.code, reason: fault.message },
  })
  throw fault
}

/** The audit entry's fixed part. */
export function auditOf({
  actor,
  row,
  action,
}: Pick<Step, 'actor' | 'row' | 'action'>): Omit<AuditAppend, 'outcome'> {
  return {
    actor: actor === 'system' ? 'sessions' : actor.login,
    action: `session.${action}`,
    object: row.id,
    site: row.site,
  }
}
