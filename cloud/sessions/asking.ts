/** A wish for access and the decision on it. */
import { randomBytes } from 'node:crypto'
import type { SessionRequest, SessionView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import {
  type Actor,
  auditOf,
  type Broker,
  denyStep,
  findSession,
  maySee,
  moveSession,
  tellChange,
} from './broker.ts'
import { isStandingConsent, MAX_OPEN_PER_GATEWAY, siteDecides, windowFrom } from './session.ts'
import type { SessionRow } from './session-rows.ts'

export type Wish = SessionRequest & { site: string }

/** Enters the request; where the site's own policy is the consent, it is approved at once. */
export async function requestSession(
  broker: Broker,
  actor: Actor,
  wish: Wish,
): Promise<SessionView> {
  const { row, consent } = await draft(broker, actor, wish).catch((error: unknown) =>
    denyWish(broker, { actor, wish, error }),
  )
  await broker.rows.insert(row)
  const { target, reason, minutes, gateway } = row
  await broker.audit.append({
    ...auditOf({ actor, row, action: 'open' }),
    action: 'session.request',
    outcome: 'done',
    detail: { gateway, target, reason, minutes, rights: wish.rights, caseId: wish.caseId },
  })
  const session = await tellChange(broker, row.id, undefined)
  if (consent === siteDecides) void broker.questions.ask(row)
  if (!isStandingConsent(consent)) return session
  const values = windowFrom(broker.now(), row)
  return await moveSession(broker, {
    actor: 'system',
    row,
    action: 'approve',
    values,
    detail: { consent },
  })
}

/** A wish that is refused before there is a session: audited under what it asked for. */
async function denyWish(
  { audit }: Broker,
  { actor, wish, error }: { actor: Actor; wish: Wish; error: unknown },
): Promise<never> {
  if (error instanceof Fault) {
    const { site, gateway, target, caseId, reason: wanted } = wish
    await audit.append({
      ...{ actor: actor.login, action: 'session.request', object: `${gateway}/${target}`, site },
      outcome: 'denied',
      detail: { code: error.code, reason: error.message, caseId, wanted },
    })
  }
  throw error
}

async function draft(broker: Broker, actor: Actor, wish: Wish) {
  const { site, gateway, caseId } = wish
  const target = maySee(actor, site) && (await broker.rows.target(site, gateway, wish.target))
  if (!target) throw new Fault('session.unknown-target', { target: wish.target })
  if (!(await broker.rows.hasCase(caseId, site))) {
    throw new Fault('session.unknown-case', { case: caseId })
  }
  const open = (await broker.rows.openOnes()).filter(
    (row) => row.site === site && row.gateway === gateway,
  )
  if (open.length >= MAX_OPEN_PER_GATEWAY) {
    throw new Fault('session.too-many', { count: open.length })
  }
  const row: SessionRow = {
    id: `ses_${randomBytes(12).toString('hex')}`,
    case_id: caseId,
    site,
    gateway,
    target: wish.target,
    kind: target.kind,
    person: actor.id,
    previous_state: 'requested',
    state: 'requested',
    reason: wish.reason,
    rights: JSON.stringify([...new Set(wish.rights)]),
    minutes: wish.minutes,
    requested_at: broker.now(),
    approver: null,
    decided_at: null,
    decision_note: null,
    started_at: null,
    until_at: null,
    ended_at: null,
    end_reason: null,
    recording_sha256: null,
  }
  return { row, consent: target.consent }
}

export interface Decision {
  action: 'approve' | 'refuse'
  note?: string
}

/** A second person says yes or no; the window opens with the yes. */
export async function decideSession(
  broker: Broker,
  actor: Actor,
  { id, action, note }: Decision & { id: string },
): Promise<SessionView> {
  const row = await findSession(broker, actor, id)
  if (row.person === actor.id) {
    return await denyStep(broker, { actor, row, action }, new Fault('session.self-approval'))
  }
  if (action === 'approve' && (await broker.questions.concerns(row))) {
    const fault = new Fault('access.denied', { reason: 'the site itself decides on this target' })
    return await denyStep(broker, { actor, row, action }, fault)
  }
  const window = windowFrom(broker.now(), row)
  const values = {
    ...window,
    approver: actor.id,
    decision_note: note ?? null,
    until_at: action === 'approve' ? window.until_at : null,
  }
  const detail = { note, minutes: row.minutes }
  const session = await moveSession(broker, { actor, row, action, values, detail })
  broker.questions.withdraw(id)
  return session
}
