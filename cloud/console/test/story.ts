/** TEST fixture: the state of one case, its alarm and its sessions, moved only along the tables of protocol/states.ts. */
import type {
  AuditList,
  CaseDetail,
  CloseRequest,
  Me,
  RecordedExchange,
  SessionRequest,
  SessionView,
} from '../../../protocol/api.ts'
import {
  alarmTransitions,
  type CaseAction,
  type CaseStep,
  caseTransitions,
  nextState,
  type SessionAction,
  sessionTransitions,
} from '../../../protocol/states.ts'
import { moveOf } from '../../cases/case.ts'
import { describeRecovery } from '../../cases/recovery.ts'
import { Refused } from './contract.ts'
import { createPlant, site, targets } from './plant.ts'
import { reportOf } from './report.ts'
import { alarmOf, caseOf } from './views.ts'

/** What a session's transition is called in its case. */
const kinds = {
  approve: 'approved',
  refuse: 'refused',
  open: 'opened',
  pause: 'paused',
  resume: 'resumed',
  end: 'ended',
} as const satisfies Record<SessionAction, string>

/** The recovery must hold this long; short, because a test waits for it. */
const holdMs = 1_500

/** Creates the story with its commands; every command takes the person who gives it. */
export function createStory(startedAt: number) {
  const plant = createPlant(startedAt)
  const alarm = alarmOf(plant, 'cas_1')
  const open = caseOf(alarm)
  const exchanges: RecordedExchange[] = []
  const audit: AuditList['entries'] = []
  let sessions = 0
  const note = (who: string, action: string, object: string, detail = '') =>
    audit.unshift({
      seq: audit.length + 1,
      at: Date.now(),
      actor: who,
      action,
      object,
      site,
      outcome: 'allowed',
      detail,
    })
  const step = (name: CaseStep, person: string | null) => {
    if (!open.steps.some((each) => each.step === name))
      open.steps.push({ step: name, at: Date.now(), person })
  }
  const tell = (kind: string, text: string, person: string | null) =>
    open.events.push({ at: Date.now(), person, kind, text })
  const moveCase = (action: CaseAction) => {
    const next = nextState(caseTransitions, open.state, action)
    if (!next) throw new Refused(409, `A case that is ${open.state} cannot ${action}.`)
    open.state = next
  }
  /** Follows the plant: clears the alarm and verifies once the ratio has been low for long enough. */
  const follow = (now: number) => {
    const mended = plant.mended()
    if (mended === null || now < mended + 1_000) return 0
    if (alarm.clearedAt === null) {
      alarm.state = nextState(alarmTransitions, alarm.state, 'clear') ?? alarm.state
      alarm.clearedAt = now
      if (open.state !== 'verifying') moveCase('verify')
    }
    const held = now - mended - 1_000
    if (held >= holdMs && open.verifiedAt === null) {
      open.verifiedAt = now
      tell('telemetry', 'the recovery has held', null)
      step('verified', null)
    }
    return held
  }
  const find = (id: string) => {
    const session = open.sessions.find((each) => each.id === id)
    if (!session) throw new Refused(404, `There is no session ${id}.`)
    return session
  }
  return {
    plant,
    alarm,
    exchanges,
    audit,
    note,
    tell,
    moveCase,
    find,
    sessions: () => open.sessions,
    detail(now: number): CaseDetail {
      const heldMs = Math.max(0, follow(now))
      return {
        ...open,
        recovery: { condition: describeRecovery(holdMs), holdMs, heldMs },
      }
    },
    acknowledge(me: Me) {
      const next = nextState(alarmTransitions, alarm.state, 'acknowledge')
      if (!next) throw new Refused(409, 'There is nothing to acknowledge.')
      Object.assign(alarm, { state: next, ackedAt: Date.now(), ackedBy: me.name })
      note(me.login, 'alarm.acknowledge', alarm.id)
    },
    request(me: Me, body: SessionRequest): SessionView {
      const target = targets.find(({ id }) => id === body.target)
      const session: SessionView = {
        id: `ses_${++sessions}`,
        caseId: body.caseId,
        site,
        gateway: body.gateway,
        target: body.target,
        targetTitle: target?.title ?? body.target,
        waitsFor: target?.consent === 'local' ? 'site' : 'person',
        kind: 'web',
        state: 'requested',
        person: { id: me.id, name: me.name },
        reason: body.reason,
        rights: body.rights,
        minutes: body.minutes,
        requestedAt: Date.now(),
        approver: null,
        decidedAt: null,
        decisionNote: null,
        startedAt: null,
        until: null,
        endedAt: null,
        endReason: null,
        recorded: true,
      }
      open.sessions.push(session)
      step('authenticated', me.name)
      tell('session', moveOf({ kind: 'requested', session, at: Date.now() }).text, me.name)
      note(me.login, 'session.request', session.id, body.reason)
      return session
    },
    moveSession(me: Me, id: string, action: SessionAction, text?: string) {
      const session = find(id)
      const next = nextState(sessionTransitions, session.state, action)
      if (!next && !(action === 'open' && session.state === 'active'))
        throw new Refused(409, `A session that is ${session.state} cannot ${action}.`)
      const now = Date.now()
      session.state = next ?? session.state
      delete session.waitsFor
      if (action === 'approve' || action === 'refuse')
        Object.assign(session, {
          approver: { id: me.id, name: me.name },
          decidedAt: now,
          decisionNote: text ?? null,
        })
      if (action === 'approve') step('consented', me.name)
      if (action === 'open')
        Object.assign(session, {
          startedAt: session.startedAt ?? now,
          until: now + session.minutes * 60_000,
        })
      if (action === 'open') step('connected', me.name)
      if (action === 'end') Object.assign(session, { endedAt: now, endReason: 'closed-by-user' })
      tell('session', moveOf({ kind: kinds[action], session, at: now }).text, me.name)
      note(me.login, `session.${action}`, id, text ?? '')
      return session
    },
    close(me: Me, body: CloseRequest) {
      if (open.verifiedAt === null && !body.unverifiedReason)
        throw new Refused(422, 'Say why it is closed without verified recovery.')
      moveCase('close')
      open.closedAt = Date.now()
      step('documented', me.name)
      open.report = reportOf(open, exchanges, me.name, body)
      note(me.login, 'case.close', open.id, body.cause)
    },
    press(person: string, at = Date.now()) {
      exchanges.push({
        at,
        method: 'POST',
        path: '/cooler',
        status: 204,
        durationMs: 12.4,
        requestBytes: 17,
        responseBytes: 0,
        requestBody: '{"cooler":"spare"}',
        responseBody: null,
      })
      plant.mend(at)
      step('diagnosed', person)
      step('fixed', person)
    },
  }
}
export type Story = ReturnType<typeof createStory>
